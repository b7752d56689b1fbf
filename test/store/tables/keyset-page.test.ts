import Database from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { atOnce } from '../../../daemon/core/turn.ts'
import { keysetPage, type PageQuery } from '../../../daemon/store/tables/keyset-page.ts'

const ROWS = 3_500
const NOTES = { table: 'notes', key: 'id', columns: 'id, color' }

let db: Database.Database

beforeEach(() => {
  db = new Database(':memory:')
  db.exec('CREATE TABLE notes (id INTEGER PRIMARY KEY, color TEXT); CREATE INDEX by_color ON notes (color)')
  const insert = db.prepare('INSERT INTO notes VALUES (?, ?)')
  // Every other number is missing, and a long way lies before the last one.
  for (let id = 1; id < ROWS; id++) insert.run(2 * id, id === 3 ? 'red' : 'blue')
  insert.run(5_000_000_000, 'red')
})

const page = (query: PageQuery) => keysetPage<{ id: number; color: string }>(db, NOTES, query)
const ids = (query: PageQuery): number[] => atOnce(page(query)).map((row) => row.id)

describe('a page of a table', () => {
  test('has the newest rows first, and ends where it is full', () => {
    expect(ids({ limit: 3, where: {} })).toEqual([5_000_000_000, 6_998, 6_996])
    expect(ids({ limit: 3, before: 7, where: {} })).toEqual([6, 4, 2])
    expect(ids({ limit: ROWS + 1, where: {} })).toHaveLength(ROWS)
  })

  test('has all fitting rows, however far apart they are', () => {
    expect(ids({ limit: 5, where: { color: 'red' } })).toEqual([5_000_000_000, 6])
    expect(ids({ limit: 1, before: 5_000_000_000, where: { color: 'red' } })).toEqual([6])
    expect(ids({ limit: 5, where: { color: 'green' } })).toEqual([])
    expect(ids({ limit: 2, before: 10, where: { color: 'blue' } })).toEqual([8, 4])
    expect(ids({ limit: 2, where: { color: undefined } })).toHaveLength(2)
  })

  test('of an empty table is empty', () => {
    db.exec('DELETE FROM notes')
    expect(ids({ limit: 5, where: { color: 'red' } })).toEqual([])
  })

  test('is collected in steps, between which rows may come and go', () => {
    const steps = page({ limit: 5, where: { color: 'red' } })
    let taken = 0
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) {
        expect(step.value.map((row) => row.id)).toEqual([5_000_000_000])
        break
      }
      if (taken++ > 0) continue
      // The oldest are trimmed, new ones are written.
      db.exec("DELETE FROM notes WHERE id < 100; INSERT INTO notes VALUES (6000000000, 'red')")
    }
    expect(taken).toBe(Math.ceil(ROWS / 1_000))
  })
})
