import { openReadable } from '../connection.ts'
import type { PlanRow, RetainedRow, StreamRow } from './batch.ts'
import { readStreams } from './op-applier.ts'

/** What the rest of the gateway has to know of the store before it takes messages. */
export interface StartState {
  plans: PlanRow[]
  streams: StreamRow[]
  incoming: Map<string, Set<number>>
  retained: (RetainedRow & { payload: Buffer })[]
  /** The last number that the quarantine has given. */
  lastQuarantineId: number
}

export function readStartState(directory: string): StartState {
  const db = openReadable(directory)
  try {
    const incoming = new Map<string, Set<number>>()
    for (const row of db
      .prepare<[], { client_id: string; packet_id: number }>('SELECT client_id, packet_id FROM incoming')
      .iterate()) {
      const ids = incoming.get(row.client_id) ?? new Set()
      incoming.set(row.client_id, ids.add(row.packet_id))
    }
    return {
      plans: db.prepare<[], PlanRow>('SELECT id, body FROM plans').all(),
      streams: readStreams(db),
      incoming,
      retained: db.prepare<[], RetainedRow & { payload: Buffer }>('SELECT topic, payload, qos FROM retained').all(),
      lastQuarantineId:
        db.prepare<[], { seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'quarantine'").get()?.seq ?? 0,
    }
  } finally {
    db.close()
  }
}
