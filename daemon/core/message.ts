/** Priority class of messages to a destination. Each lane has its own order and cursor. */
export const LANES = ['alarm', 'live', 'bulk'] as const
export type Lane = (typeof LANES)[number]

/** One fault of a payload, header or parameter. */
export interface Violation {
  /** JSON pointer (RFC 6901) into the payload; '' is its root. */
  pointer: string
  keyword: string
  expected: string
  actual: string
}

/** Header values are text, which AMQP, Kafka and HTTP can all carry. */
export type Headers = Readonly<Record<string, string>>
