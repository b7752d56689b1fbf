import type { Client } from 'aedes'
import type { Trail } from '../../ports/publication.ts'

const STATE = Symbol('state')

/** What is kept of a connected client for its messages. */
export interface ClientState {
  /** Messages that wait for their answer, and the bytes of them. */
  waiting: number
  waitingBytes: number
  /** Something was answered since it was last looked at. */
  moves: boolean
  /** When it was seen to move. */
  sinceMs: number
  /** Packet ids whose acknowledgements leave together: the first `answeredCount`, in memory that stays. */
  readonly answered: number[]
  answeredCount: number
  readonly trail: Trail
}

/** It hangs on the client itself: looking it up would cost as much as answering does, several times a message. */
export function stateOf(client: Client & { [STATE]?: ClientState }): ClientState {
  return (client[STATE] ??= {
    waiting: 0,
    waitingBytes: 0,
    moves: false,
    sinceMs: 0,
    answered: [],
    answeredCount: 0,
    trail: { at: 0 },
  })
}
