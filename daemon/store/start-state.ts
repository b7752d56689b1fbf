import { openReadable } from './connection.ts'
import { readIncoming } from './tables/incoming.ts'
import { readPlans, type PlanRow } from './tables/plans.ts'
import { lastQuarantineId } from './tables/quarantine.ts'
import { readRetained, type RetainedRow } from './tables/retained.ts'
import { readStreams, type StreamRow } from './tables/streams.ts'

/** Rows that other rooms hold in memory, and must have before the gateway takes messages. */
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
    return {
      plans: readPlans(db),
      streams: readStreams(db),
      incoming: readIncoming(db),
      retained: readRetained(db),
      lastQuarantineId: lastQuarantineId(db),
    }
  } finally {
    db.close()
  }
}
