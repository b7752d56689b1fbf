import type { Trail } from '../../ports/publication.ts'

/** A connected client and its messages that wait for their commit. */
export interface ClientState {
  /** Messages that are held until the store has answered, and their bytes. */
  waiting: number
  waitingBytes: number
  /** Whether a message was answered since the last check. */
  progressed: boolean
  /** Monotonic time of the last check that saw progress. */
  progressedAtMs: number
  /** Packet ids of the PUBACKs that the next write holds: the first `answeredCount`. The array is reused. */
  readonly answered: number[]
  answeredCount: number
  readonly trail: Trail
  /** Negotiated keep-alive; 0 if there is none. */
  keepAliveMs(): number
  /** Closes the connection as a broken network would, but publishes no will. */
  closeWithoutWill(): void
}
