import type { FeedMessage } from './feed.ts'

/** The payload as a member of a JSON object: the device's own text where it is JSON on one line, else in base64. */
function payloadMember({ payload, contentType }: FeedMessage): string {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  if (contentType === null || /json/i.test(contentType)) {
    const text = bytes.toString('utf8')
    try {
      const value: unknown = JSON.parse(text)
      // Line ends would end a frame of server-sent events.
      return `"payload":${/[\r\n]/.test(text) ? JSON.stringify(value) : text}`
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
    }
  }
  return `"payloadBase64":"${bytes.toString('base64')}"`
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
