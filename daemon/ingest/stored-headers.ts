import type { Headers } from '../core/message.ts'
import type { Passed } from '../verdict/judgement.ts'

/** Headers as a record and the quarantine have them: JSON, '' for none. */
export function headersText(headers: Headers | undefined): string {
  return headers === undefined ? '' : JSON.stringify(headers)
}

/**
 * The headers of a message that is stored: those of its device, `errors` where it is tagged with them, and when it was replayed. A name
 * that is the gateway's own in this message is kept for the device with `device-` before it.
 */
export function storedHeaders(
  headers: Headers | undefined,
  { invalid, tagged }: Pick<Passed, 'invalid' | 'tagged'>,
  replayedAt: string | undefined,
): string {
  if (!invalid && replayedAt === undefined) return headersText(headers)
  const own = { ...headers }
  if (invalid) moveAside(own, 'errors')
  if (replayedAt !== undefined) moveAside(own, 'replayed-at')
  if (tagged !== undefined) own['errors'] = JSON.stringify(tagged)
  if (replayedAt !== undefined) own['replayed-at'] = replayedAt
  return Object.keys(own).length === 0 ? '' : JSON.stringify(own)
}

function moveAside(headers: Record<string, string>, name: string): void {
  const value = headers[name]
  if (value === undefined) return
  delete headers[name]
  let free = `device-${name}`
  while (free in headers) free = `device-${free}`
  headers[free] = value
}
