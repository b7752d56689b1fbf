import type { PlanRow, RetainedRow, StreamRow } from './batch.ts'
import { openReadable } from './connection.ts'
import { readStreams } from './op-applier.ts'
import { isCorrupt } from './sqlite-codes.ts'

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

/** A contract that an earlier start compiled, by the hash of its source; undefined if there is none. */
export function readContract(directory: string, hash: string): string | undefined {
  return readText(directory, 'SELECT body FROM contracts WHERE hash = ?', hash)
}

/** The hash of the last good version of a document file. */
export function readLastGood(directory: string, file: string): string | undefined {
  return readText(directory, 'SELECT hash FROM documents WHERE file = ?', file)
}

function readText(directory: string, sql: string, key: string): string | undefined {
  const db = openReadable(directory)
  try {
    return db.prepare<[string], string>(sql).pluck().get(key)
  } catch (error) {
    // What is only a cache may be damaged without harm.
    if (!isCorrupt(error)) throw error
    return undefined
  } finally {
    db.close()
  }
}
