import { isUtf8 } from 'node:buffer'
import { asBuffer } from '../../core/bytes.ts'
import type { OutgoingMessage } from '../adapter.ts'

/** Writes one message as a line of JSON, newline included. */
export function journalLine(message: OutgoingMessage): string {
  const { topic, receivedAt, document, message: name, parameters, headers } = message.describe()
  const head = JSON.stringify({ id: message.id, topic, receivedAt, document, message: name, parameters, headers })
  const json = jsonText(message.payload)
  const payload =
    json === undefined ? `"payloadBase64":"${asBuffer(message.payload).toString('base64')}"` : `"payload":${json}`
  return `${head.slice(0, -1)},${payload}}\n`
}

/**
 * The payload's JSON as its device wrote it, or undefined if it is none. Parsing and writing it again would change large numbers and
 * repeated keys. Newlines and tabs become spaces: strings cannot hold them unescaped, and between values a space means the same
 * (RFC 8259, sections 2 and 7).
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
