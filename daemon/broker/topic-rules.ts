import { hasForbiddenCharacter } from '../core/topic-text.ts'

export interface TopicLimits {
  maxTopicBytes: number
  maxTopicLevels: number
}

/** Reason to refuse a topic name or filter, to follow its name in a sentence; undefined if it is good [MQTT-4.7.3-1]. */
export function topicFault(topic: string, limits: TopicLimits): string | undefined {
  if (topic.length === 0) return 'is empty'
  if (topic.length > limits.maxTopicBytes || Buffer.byteLength(topic) > limits.maxTopicBytes)
    return `is longer than ${limits.maxTopicBytes} bytes`
  if (hasForbiddenCharacter(topic)) return 'holds control characters or invalid UTF-8'
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

/** Of the topics that start with `$`, a client may subscribe only to its own notices (MQTT 3.1.1, 4.7.2). */
export function maySubscribe(filter: string, clientId: string): boolean {
  if (!filter.startsWith('$')) return true
  return filter.startsWith(`${clientTopic(clientId)}/`)
}
