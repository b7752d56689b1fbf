import type Database from 'better-sqlite3'
import { systemCode } from '../../core/errors.ts'
import { decodeBlock } from '../log/record.ts'
import { isSqliteError } from '../sqlite-codes.ts'
import { Pages } from './salvage-pages.ts'
import { rowsOfPages } from './salvage-rows-of-pages.ts'
import { readableByNumber, readableFromBothEnds, type Losses } from './salvage-rows.ts'
import { continueState, recount } from './salvage-state.ts'

/** Tables without a rule of their own; a number leads the key of some. */
const NUMBERED = ['epochs', 'boots', 'plans', 'streams', 'dead_letters', 'quarantine'] as const
const NAMED = {
  copies: 'kind, id',
  cursors: 'destination, lane',
  held: 'destination, seq',
  incoming: 'client_id, packet_id',
  retained: 'topic',
  contracts: 'hash',
  documents: 'file',
  asyncapi_templates: 'id',
  asyncapi_documents: 'id',
  message_channels: 'id',
  message_definitions: 'id',
  message_brokers: 'id',
  registrations: 'document_id',
  subscriptions: 'id',
  idempotency: 'identity, key',
} as const
/** Rows of one transaction: a store is too large for one. */
const ROWS_AT_ONCE = 256

export interface CopyReport extends Losses {
  messages: number
}

/** Copies what can be read of a damaged database into an empty one. Errors of the new one are thrown. */
export function copyReadable(source: Database.Database, target: Database.Database): CopyReport {
  const report: CopyReport = { messages: 0, lostRows: 0 }
  for (const table of NUMBERED) {
    const columns = columnsOf(source, target, table, report)
    if (columns !== '') insertAll(target, table, readableByNumber(source, table, columns, 'id', report), report)
  }
  for (const [table, key] of Object.entries(NAMED)) {
    const columns = columnsOf(source, target, table, report)
    if (columns !== '') insertAll(target, table, readableFromBothEnds(source, table, columns, key, report), report)
  }
  target.transaction(() => dropSenseless(target, report))()
  target.transaction(() => restoreCopies(target))()
  const columns = columnsOf(source, target, 'blocks', report)
  const lostBefore = report.lostRows
  if (columns !== '')
    insertAll(target, 'blocks', soundBlocks(readableByNumber(source, 'blocks', columns, 'id', report), report), report)
  if (columns === '' || report.lostRows > lostBefore)
    insertAll(target, 'blocks', soundBlocks(strayBlocks(source.name, target), report), report)
  target.transaction(() => {
    continueState(source, target)
    recount(target)
  })()
  return report
}

/** A database of an older version lacks columns; a damaged schema may lack the table. */
function columnsOf(source: Database.Database, target: Database.Database, table: string, losses: Losses): string {
  const wanted = target.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck().all(table)
  try {
    const there = new Set(source.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck().all(table))
    return wanted.filter((name) => there.has(name)).join(', ')
  } catch (error) {
    if (!isSqliteError(error)) throw error
    losses.lostRows++
    return ''
  }
}

function insertAll(
  target: Database.Database,
  table: string,
  rows: Iterable<Record<string, unknown>>,
  losses: Losses,
): void {
  let count = 0
  target.exec('BEGIN')
  try {
    for (const row of rows) {
      insert(target, table, row, losses)
      if (++count % ROWS_AT_ONCE === 0) target.exec('COMMIT; BEGIN')
    }
  } finally {
    if (target.inTransaction) target.exec('COMMIT')
  }
}

function insert(target: Database.Database, table: string, row: Record<string, unknown>, losses: Losses): void {
  const names = Object.keys(row)
  try {
    target
      .prepare(
        `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`,
      )
      .run(...Object.values(row))
  } catch (error) {
    // A row whose values are of the wrong kind is none of ours.
    if (systemCode(error)?.startsWith('SQLITE_CONSTRAINT') !== true && systemCode(error) !== 'SQLITE_MISMATCH')
      throw error
    losses.lostRows++
  }
}

/** Blocks with their sound records only: what stays out now is not found damaged again at every start. */
function* soundBlocks(rows: Iterable<Record<string, unknown>>, report: CopyReport): Generator<Record<string, unknown>> {
  for (const row of rows) {
    const { id, last_seq: lastSeq, body } = row
    if (!Buffer.isBuffer(body)) continue
    const { records, damagedBytes } = decodeBlock(body)
    if (damagedBytes > 0) report.lostRows++
    const sound = records.filter((record) => record.seq >= Number(id) && record.seq <= Number(lastSeq))
    if (sound.length === 0) continue
    report.messages += sound.length
    const kept =
      sound.length === records.length && damagedBytes === 0
        ? body
        : Buffer.concat(sound.map((record) => body.subarray(record.start, record.end)))
    yield { ...row, body: kept, count: sound.length, length: kept.length }
  }
}

/** Blocks that SQLite does not find any more, in the order of their pages. */
function* strayBlocks(file: string, target: Database.Database): Generator<Record<string, unknown>> {
  const columns = target.prepare<[], string>("SELECT name FROM pragma_table_info('blocks')").pluck().all()
  const isKnown = target.prepare<[number]>('SELECT 1 FROM blocks WHERE id = ?')
  const pages = new Pages(file)
  try {
    for (const row of rowsOfPages(pages, columns)) if (isKnown.get(Number(row['id'])) === undefined) yield row
  } finally {
    pages.close()
  }
}

/** Rows that no program can have written. */
function dropSenseless(target: Database.Database, losses: Losses): void {
  const whole = (column: string): string => `typeof(${column}) = 'integer' AND ${column} BETWEEN 0 AND 9007199254740991`
  const json = (column: string): string => `json_valid(${column}) AND json_type(${column}) = 'array'`
  for (const [table, rule] of [
    ['cursors', `${whole('low')} AND ${json('ranges')}`],
    ['streams', json('destinations')],
    ['copies', "kind = 'plan' OR json_valid(body)"],
  ]) {
    losses.lostRows += target.prepare(`DELETE FROM ${table} WHERE NOT coalesce(${rule}, 0)`).run().changes
  }
}

function restoreCopies(target: Database.Database): void {
  target.exec(`
    INSERT INTO plans (id, body) SELECT id, body FROM copies WHERE kind = 'plan' ON CONFLICT DO NOTHING;
    INSERT INTO streams (id, lane, destinations) SELECT id, body ->> 'lane', body -> 'destinations' FROM copies WHERE kind = 'stream' ON CONFLICT DO NOTHING;
    INSERT INTO epochs (id, store_id, gateway, machine, created_at)
      SELECT id, body ->> 'store_id', body ->> 'gateway', body ->> 'machine', body ->> 'created_at' FROM copies WHERE kind = 'epoch' ON CONFLICT DO NOTHING;
    INSERT INTO copies (kind, id, body) SELECT 'plan', id, body FROM plans WHERE true ON CONFLICT DO NOTHING;
    INSERT INTO copies (kind, id, body) SELECT 'stream', id, json_object('id', id, 'lane', lane, 'destinations', json(destinations)) FROM streams WHERE true ON CONFLICT DO NOTHING;
    INSERT INTO copies (kind, id, body)
      SELECT 'epoch', id, json_object('store_id', store_id, 'gateway', gateway, 'machine', machine, 'created_at', created_at) FROM epochs WHERE true ON CONFLICT DO NOTHING;
  `)
}
