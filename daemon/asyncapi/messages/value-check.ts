import type { Violation } from '../../core/message.ts'

/** What a decoded payload is held against. */
export interface ValueCheck {
  /** Why nothing is checked, if so. */
  readonly problem: string | undefined
  /** Parts that are not checked. */
  readonly notes: readonly string[]
  /** What is wrong with the value; empty where it is valid. */
  check(value: unknown): readonly Violation[]
}
