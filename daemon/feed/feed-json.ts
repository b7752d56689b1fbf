import { asBuffer } from '../core/bytes.ts'
import { jsonText } from '../core/json.ts'
import type { FeedMessage } from '../ports/feed.ts'

/** The payload as a member of a JSON object: the device's own text where it is JSON on one line, else base64. */
function payloadMember({ payload, contentType }: FeedMessage): string {
  const bytes = asBuffer(payload)
  const text = contentType === null || /json/i.test(contentType) ? jsonText(bytes) : undefined
  if (text === undefined) return `"payloadBase64":"${bytes.toString('base64')}"`
  return `"payload":${text}`
}

/** A message as WebSockets and callbacks carry it. */
export function messageFrame(message: FeedMessage): string {
  const { id, topic, headers, receivedAt } = message
  const rest = JSON.stringify({ headers, receivedAt }).slice(1)
  return `{"type":"message","id":${JSON.stringify(id)},"topic":${JSON.stringify(topic)},${payloadMember(message)},${rest}`
}

/** A message as server-sent events carry it. */
export function messageEvent(message: FeedMessage): string {
  const { id, topic, headers, receivedAt, clientId, channelIds, document, message: name } = message
  const rest = JSON.stringify({ headers, receivedAt, clientId, channelIds, document, message: name }).slice(1)
  return `{"id":${JSON.stringify(id)},"topic":${JSON.stringify(topic)},${payloadMember(message)},${rest}`
}
