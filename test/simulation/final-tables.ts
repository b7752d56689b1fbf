import { LANES } from '../../daemon/core/message.ts'
import { openReadable } from '../../daemon/store/connection.ts'
import { SettledSet } from '../../daemon/store/log/settled-set.ts'
import { readCursors, type CursorCounts } from '../../daemon/store/tables/cursors.ts'
import { readHeld } from '../../daemon/store/tables/held.ts'
import type { Delivery } from './model.ts'

export interface LetterRow {
  id: number
  destination: string
  seq: number
  target: number
}

/** What the tables of a store say of one destination. */
export interface DestinationTables {
  counts: CursorCounts
  /** Keys of deliveries, `<seq>/<target>`. */
  held: ReadonlySet<string>
  letters: ReadonlySet<string>
  isSettled: (delivery: Delivery) => boolean
}

export function readLetters(directory: string): LetterRow[] {
  const db = openReadable(directory)
  try {
    return db.prepare<[], LetterRow>('SELECT id, destination, seq, target FROM dead_letters ORDER BY id').all()
  } finally {
    db.close()
  }
}

export function readTables(directory: string, destination: string): DestinationTables {
  const db = openReadable(directory)
  try {
    const cursors = readCursors(db).filter((row) => row.destination === destination)
    const lanes = new Map(
      LANES.map((lane) => {
        const row = cursors.find((one) => one.lane === lane)
        return [lane, new SettledSet(row?.low ?? 0, row?.ranges ?? [])]
      }),
    )
    const sum = (name: keyof CursorCounts): number => cursors.reduce((total, row) => total + row[name], 0)
    return {
      counts: {
        settled: sum('settled'),
        settledBytes: sum('settledBytes'),
        delivered: sum('delivered'),
        expired: sum('expired'),
        dropped: sum('dropped'),
        dead: sum('dead'),
      },
      held: new Set(readHeld(db, destination, undefined, 1_000_000).map(deliveryKey)),
      letters: new Set(
        db
          .prepare<[string], LetterRow>('SELECT seq, target FROM dead_letters WHERE destination = ?')
          .all(destination)
          .map(deliveryKey),
      ),
      isSettled: ({ message }) => lanes.get(message.plan.lane)?.has(message.seq) === true,
    }
  } finally {
    db.close()
  }
}

export function deliveryKey({ seq, target }: { seq: number; target: number }): string {
  return `${seq}/${target}`
}
