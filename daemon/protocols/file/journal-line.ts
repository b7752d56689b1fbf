import { isUtf8 } from 'node:buffer'
import { asBuffer } from '../../core/bytes.ts'
import type { OutgoingMessage } from '../adapter.ts'

/** One message as one line of JSON, with its newline. */
export function journalLine(message: OutgoingMessage): string {
  const { topic, receivedAt, document, message: name, parameters, headers } = message.describe()
  const head = JSON.stringify({ id: message.id, topic, receivedAt, document, message: name, parameters, headers })
  const json = jsonText(message.payload)
  const payload =
    json === undefined ? `"payloadBase64":"${asBuffer(message.payload).toString('base64')}"` : `"payload":${json}`
  return `${head.slice(0, -1)},${payload}}\n`
}

/**
 * The payload as its device wrote it: parsed and written again, large numbers and repeated keys would come out different.
 * JSON allows no raw control characters inside strings, so these stand between values, where a space means the same.
 */
function jsonText(payload: Uint8Array): string | undefined {
  if (!isUtf8(payload)) return undefined
  const text = asBuffer(payload).toString('utf8')
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  return text.replace(/[\n\r\t]/g, ' ')
}
