import { asBuffer } from '../../core/bytes.ts'
import { jsonText } from '../../core/json.ts'
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
