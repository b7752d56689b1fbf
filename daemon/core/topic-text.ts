/**
 * Characters that no topic may hold: control characters (C0, DEL, C1), line and paragraph separators, lone surrogates, and
 * U+FFFD, by which decoders replace invalid UTF-8 [MQTT-1.5.3-1], [MQTT-1.5.3-2].
 */
const FORBIDDEN_IN_TOPIC = /[\p{Cc}\p{Cs}\u2028\u2029\ufffd]/u

/** Would split a level in two, or turn a topic name into a filter [MQTT-3.3.2-2]. */
const FORBIDDEN_IN_LEVEL = /[/+#\p{Cc}]/u

export function hasForbiddenCharacter(topic: string): boolean {
  return FORBIDDEN_IN_TOPIC.test(topic)
}

/** Whether text can stand as one level of a topic: it holds no `/`, no wildcard and no control character. */
export function isTopicLevel(text: string): boolean {
  return !FORBIDDEN_IN_LEVEL.test(text)
}
