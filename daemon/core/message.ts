/** Priority of a message on its way to a destination: each lane has its own order and cursor. */
export const LANES = ['alarm', 'live', 'bulk'] as const
export type Lane = (typeof LANES)[number]

/** What is wrong with one place of a payload, header or parameter. */
export interface Violation {
  /** JSON pointer into the payload; '' is its root. */
  pointer: string
  keyword: string
  expected: string
  actual: string
}

/** Header values are text, as AMQP, Kafka and HTTP all carry them. */
export type Headers = Readonly<Record<string, string>>
