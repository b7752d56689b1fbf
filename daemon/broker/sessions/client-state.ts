import type { Trail } from '../../ports/publication.ts'
import type { CloseReason } from '../connection-traces.ts'

/** A connected client and its messages that wait for their commit. */
export interface ClientState {
  /** Messages that are held until the store has answered. */
  waiting: number
  /** Those of them that are acknowledged then (QoS 1 and 2). */
  waitingAcks: number
  /** Of messages that wait for the store or for slow subscribers. */
  waitingBytes: number
  /** Whether a message was answered since the last check. */
  progressed: boolean
  /** Monotonic time of the last check that saw progress. */
  progressedAtMs: number
  /** Packet ids of the PUBACKs that the next write holds: the first `answeredCount`. The array is reused. */
  readonly answered: number[]
  answeredCount: number
  readonly trail: Trail
  /** Its CONNECT was refused: the client id that it gave is not its own. */
  refused: boolean
  /** Negotiated keep-alive; 0 if there is none. */
  keepAliveMs(): number
  /** Closes the connection as a broken network would, but publishes no will. */
  closeWithoutWill(reason: CloseReason): void
  /** Reads on from a client that was made to wait for the store, although the store has not answered. */
  readOn(): void
}
