import { expect } from 'vitest'
import { openReadable } from '../../../daemon/store/connection.ts'
import { LogReader } from '../../../daemon/store/log/log-reader.ts'
import type { Acknowledged } from '../start-store-child.ts'

/** Sequence → number of every message that `store-child.ts` has stored. */
export function storedMessages(directory: string): Map<number, number> {
  const reader = new LogReader(openReadable(directory), (what) => {
    throw new Error(what)
  })
  try {
    const found = new Map<number, number>()
    for (const head of reader.headsAfter(0, 1_000_000)) {
      for (const record of reader.read(head)?.records ?? []) {
        if (found.has(record.seq)) throw new Error(`sequence ${record.seq} is there twice`)
        found.set(record.seq, Number(record.payload.toString().replace(/\.+$/, '')))
      }
    }
    return found
  } finally {
    reader.close()
  }
}

export function expectStored(directory: string, acknowledged: readonly Acknowledged[]): Map<number, number> {
  const stored = storedMessages(directory)
  const lost = acknowledged.filter(({ number, seq }) => stored.get(seq) !== number)
  expect(lost.slice(0, 5), `${lost.length} of ${acknowledged.length} acknowledged messages are not stored`).toEqual([])
  return stored
}
