/** C0 and C1 controls, DEL, NUL, line separators, lone surrogates and U+FFFD, which invalid UTF-8 becomes [MQTT-1.5.3-1]. */
// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]|\p{Cs}/u

export interface TopicLimits {
  maxTopicBytes: number
  maxTopicLevels: number
}

/** Why a topic name cannot be taken, or undefined. */
export function topicFault(topic: string, limits: TopicLimits): string | undefined {
  if (topic.length === 0) return 'is empty'
  if (topic.length > limits.maxTopicBytes || Buffer.byteLength(topic) > limits.maxTopicBytes)
    return `is longer than ${limits.maxTopicBytes} bytes`
  if (FORBIDDEN.test(topic)) return 'holds control characters or invalid UTF-8'
  let levels = 1
  for (let at = topic.indexOf('/'); at !== -1; at = topic.indexOf('/', at + 1)) levels++
  if (levels > limits.maxTopicLevels) return `has more than ${limits.maxTopicLevels} levels`
  if (topic.includes('/../') || topic.startsWith('../') || topic.endsWith('/..')) return 'climbs with ../'
  return undefined
}

/** `$stepflow/clients/<id, percent-encoded>` */
export function clientTopic(clientId: string): string {
  return `$stepflow/clients/${encodeURIComponent(clientId.toWellFormed())}`
}

/** Whether a client may subscribe to a filter that starts with `$`: only to what concerns itself. */
export function maySubscribe(filter: string, clientId: string): boolean {
  if (!filter.startsWith('$')) return true
  return filter.startsWith(`${clientTopic(clientId)}/`)
}
