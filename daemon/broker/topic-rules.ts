import { hasForbiddenCharacter } from '../core/topic-text.ts'

export interface TopicLimits {
  maxTopicBytes: number
  maxTopicLevels: number
}

/** Reason to refuse a topic name, to follow its name in a sentence; undefined if it is good [MQTT-4.7.3-1]. */
export function topicFault(topic: string, limits: TopicLimits): string | undefined {
  return hasWildcard(topic) ? 'holds a wildcard' : textFault(topic, limits)
}

/** The same of a topic filter. */
export function filterFault(filter: string, limits: TopicLimits): string | undefined {
  return textFault(filter, limits) ?? wildcardFault(filter)
}

/** A topic name must not hold a wildcard [MQTT-3.3.2-2]. */
export function hasWildcard(topic: string): boolean {
  return topic.includes('+') || topic.includes('#')
}

/** Such a filter matches no topic that starts with `$` [MQTT-4.7.2-1]. */
export function startsWithWildcard(filter: string): boolean {
  return filter.startsWith('+') || filter.startsWith('#')
}

function textFault(topic: string, limits: TopicLimits): string | undefined {
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

/** A wildcard takes a whole level, `#` the last one [MQTT-4.7.1-2], [MQTT-4.7.1-3]. */
function wildcardFault(filter: string): string | undefined {
  if (!hasWildcard(filter)) return undefined
  const levels = filter.split('/')
  const isGood = levels.every(
    (level, at) => !hasWildcard(level) || level === '+' || (level === '#' && at === levels.length - 1),
  )
  return isGood ? undefined : 'has a wildcard that is not a level of its own'
}

/** `$stepflow/clients/<id, percent-encoded>` */
export function clientTopic(clientId: string): string {
  return `$stepflow/clients/${encodeURIComponent(clientId.toWellFormed())}`
}

const RESERVED_LEVELS: readonly string[] = ['$SYS', '$stepflow', '$share']

/** Topics and filters that belong to the broker (MQTT 3.1.1, 4.7.2). Others that start with `$` are like any other. */
export function isReservedTopic(topic: string): boolean {
  if (!topic.startsWith('$')) return false
  const end = topic.indexOf('/')
  return RESERVED_LEVELS.includes(end === -1 ? topic : topic.slice(0, end))
}

/** Of the reserved topics, a client may subscribe only to its own notices. */
export function maySubscribe(filter: string, clientId: string): boolean {
  return !isReservedTopic(filter) || filter.startsWith(`${clientTopic(clientId)}/`)
}
