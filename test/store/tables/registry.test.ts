import { readFileSync, writeFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { atOnce } from '../../../daemon/core/turn.ts'
import { databaseFile } from '../../../daemon/store/connection.ts'
import type { Op } from '../../../daemon/store/log/batch.ts'
import { requestCheck } from '../../../daemon/store/open-store.ts'
import { deadLetters } from '../../../daemon/store/tables/dead-letters.ts'
import { DocumentReader } from '../../../daemon/store/tables/documents.ts'
import { held } from '../../../daemon/store/tables/held.ts'
import { IdempotencyReader } from '../../../daemon/store/tables/idempotency.ts'
import { QuarantineReader } from '../../../daemon/store/tables/quarantine.ts'
import { StatisticsReader } from '../../../daemon/store/tables/statistics.ts'
import { temporaryFolder, type TemporaryFolder } from '../../servers/temporary-folder.ts'
import { batchOf, blocksOf, OpenLog, openOptions, quarantineOp, streamOp } from '../store-fixture.ts'
import { AT, callRow, registration, rows } from './registry-fixture.ts'

const LATER = '2026-01-02T00:00:00.000Z'

let folder: TemporaryFolder
let log: OpenLog
let number = 0

beforeEach(() => {
  folder = temporaryFolder('registry')
  log = new OpenLog(openOptions(folder.path))
  number = 0
})
afterEach(() => {
  log.close()
  folder.remove()
})

function commit(...ops: Op[]): void {
  expect(log.writer.commit(batchOf(++number, [], ops), [])).toEqual({ status: 'committed' })
}

const channels = (): unknown[] =>
  log.rows('SELECT channel_name, asyncapi_document_id, status FROM message_channels ORDER BY channel_name')

const END = ["status TEXT 0 'active' 0", 'created_at TEXT 1  0', 'updated_at TEXT 1  0']

test.each([
  ['asyncapi_templates', ['name TEXT 1  0', 'content TEXT 1  0', ...END]],
  [
    'asyncapi_documents',
    ['template_id TEXT 1  0', 'name TEXT 1  0', 'version TEXT 0  0', 'base_url TEXT 0  0', ...END],
  ],
  [
    'message_channels',
    [
      'asyncapi_document_id TEXT 1  0',
      'channel_name TEXT 1  0',
      'protocol TEXT 1  0',
      'description TEXT 0  0',
      'publish_operations TEXT 0  0',
      'subscribe_operations TEXT 0  0',
      'parameters TEXT 0  0',
      ...END,
    ],
  ],
  [
    'message_definitions',
    [
      'channel_id TEXT 1  0',
      'message_name TEXT 1  0',
      'message_type TEXT 1  0',
      'payload_schema TEXT 0  0',
      'headers_schema TEXT 0  0',
      'description TEXT 0  0',
      ...END,
    ],
  ],
  [
    'message_brokers',
    [
      'asyncapi_document_id TEXT 1  0',
      'broker_name TEXT 1  0',
      'protocol TEXT 1  0',
      'url TEXT 1  0',
      'security_scheme TEXT 0  0',
      'description TEXT 0  0',
      ...END,
    ],
  ],
  [
    'message_call_logs',
    [
      'channel_id TEXT 1  0',
      'message_id TEXT 1  0',
      'operation_type TEXT 1  0',
      'payload TEXT 0  0',
      'headers TEXT 0  0',
      'broker_response TEXT 0  0',
      'status TEXT 1  0',
      'error_message TEXT 0  0',
      'response_time_ms INTEGER 0  0',
      'created_at TEXT 1  0',
    ],
  ],
])('the table %s is as it was given', (table, columns) => {
  const sql = `SELECT concat_ws(' ', name, type, "notnull", coalesce(dflt_value, ''), pk) AS text FROM pragma_table_info('${table}')`
  expect(log.rows(sql).map((one) => (one as { text: string }).text)).toEqual(['id TEXT 0  1', ...columns])
})

describe('a document', () => {
  test('is registered in all its tables, or in none', () => {
    commit(registration('1', ['a', 'b']))
    expect(channels()).toHaveLength(2)
    expect(log.rows('SELECT id FROM message_definitions')).toHaveLength(2)
    const broken = registration('2', ['c'])
    if (broken.type === 'register') Object.assign(broken.registration.registration, { serial: null })
    expect(log.writer.commit(batchOf(++number, [], [broken]), [])).toMatchObject({ status: 'fatal' })
    expect(log.rows('SELECT id FROM asyncapi_documents')).toEqual([{ id: 'document-1' }])
  })

  test('of a newer version takes over the channels, and channels that it lacks are deleted', () => {
    commit(registration('1', ['a', 'b']))
    commit(registration('2', ['a', 'c']))
    expect(channels()).toEqual([
      { channel_name: 'a', asyncapi_document_id: 'document-2', status: 'active' },
      { channel_name: 'b', asyncapi_document_id: 'document-1', status: 'deleted' },
      { channel_name: 'c', asyncapi_document_id: 'document-2', status: 'active' },
    ])
    expect(log.rows('SELECT version, status FROM asyncapi_documents ORDER BY version')).toEqual([
      { version: '1', status: 'superseded' },
      { version: '2', status: 'active' },
    ])
  })

  test('of a version that is not in force leaves the channels alone', () => {
    commit(registration('1', ['a']))
    commit(registration('2', ['b'], false))
    expect(channels()).toEqual([{ channel_name: 'a', asyncapi_document_id: 'document-1', status: 'active' }])
  })

  test('that is deleted keeps its rows and its calls, and an older version may follow it', () => {
    commit(registration('1', ['a']), registration('2', ['a', 'b']))
    commit({ type: 'call', row: callRow('call', 'channel-b') })
    commit({ type: 'unregister', documentId: 'document-2', at: LATER })
    commit({ type: 'activate', documentId: 'document-1', at: LATER, rows: rows('1', ['a'], LATER) })
    expect(channels()).toEqual([
      { channel_name: 'a', asyncapi_document_id: 'document-1', status: 'active' },
      { channel_name: 'b', asyncapi_document_id: 'document-2', status: 'deleted' },
    ])
    expect(log.rows('SELECT version, status FROM asyncapi_documents ORDER BY version')).toEqual([
      { version: '1', status: 'active' },
      { version: '2', status: 'deleted' },
    ])
    expect(log.rows('SELECT id FROM message_call_logs')).toEqual([{ id: 'call' }])
    const reader = new DocumentReader(log.db)
    expect(reader.registrations()).toMatchObject([
      { document_id: 'document-1', name: 'meter', version: '1', serial: 1 },
    ])
    expect(reader.template('template')).toBe('text')
  })
})

test('idempotency keys are deleted after a day of running time', () => {
  const row = { identity: 'i', body_hash: 'h', answer: '{}' }
  commit({ type: 'idempotency', row: { ...row, key: 'old', running_ms: 1_000 } })
  commit({ type: 'idempotency', row: { ...row, key: 'new', running_ms: 80_000_000 } })
  log.writer.sweep(86_402_000)
  const reader = new IdempotencyReader(log.db)
  expect(reader.lookUp('i', 'old')).toBeUndefined()
  expect(reader.lookUp('i', 'new')).toMatchObject({ answer: '{}' })
})

test('statistics are replaced by key and trimmed by time', () => {
  const row = { step: 60, scope: 'total', key: '', body: '{}' } as const
  commit({
    type: 'statistics',
    rows: [
      { ...row, bucket: 60 },
      { ...row, bucket: 120 },
    ],
  })
  commit({ type: 'statistics', rows: [{ ...row, bucket: 120, body: '{"n":1}' }] })
  commit({ type: 'statistics-trim', step: 60, before: 120 })
  const reader = new StatisticsReader(log.db)
  expect(reader.between(60, 0, 1_000, 'total')).toEqual([{ ...row, bucket: 120, body: '{"n":1}' }])
})

test('quarantined messages are read in pages and by filters', () => {
  commit(quarantineOp(1), quarantineOp(2), quarantineOp(3))
  const reader = new QuarantineReader(log.db)
  expect(atOnce(reader.page({ limit: 2, where: {} })).map((row) => row.id)).toEqual([3, 2])
  expect(atOnce(reader.page({ limit: 2, before: 2, where: { topic: 't' } })).map((row) => row.id)).toEqual([1])
  expect(atOnce(reader.page({ limit: 2, where: { topic: 'other' } }))).toEqual([])
  expect(reader.lookUp(2)).toMatchObject({ topic: 't', client_id: 'c' })
})

test('a store from before the registry gets the tables of the registry, and keeps its messages', () => {
  log.writer.commit(batchOf(++number, blocksOf(1, 1, ['kept']), [streamOp(1, [])]), [])
  log.close()
  const db = new Database(databaseFile(folder.path))
  const added = db
    .prepare<[], { type: string; name: string }>(
      "SELECT type, name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
    )
    .all()
  const first = added.findIndex((one) => one.name === 'asyncapi_templates')
  for (const one of added.slice(first)) db.exec(`DROP TABLE ${one.name}`)
  // These had another form.
  db.exec('ALTER TABLE quarantine DROP COLUMN synced')
  for (const { migrations } of [held, deadLetters]) db.exec(migrations.find(({ step }) => step === 0)?.sql ?? '')
  db.pragma('user_version = 1')
  db.close()
  log = new OpenLog(openOptions(folder.path))
  expect(log.payloads()).toEqual(['kept'])
  commit(registration('1', ['a']))
  expect(channels()).toHaveLength(1)
})

test('documents and subscriptions come back from a damaged database', () => {
  commit(registration('1', ['a', 'b']))
  const row = {
    id: 'subscription',
    channel_id: 'channel-a',
    callback_url: 'http://127.0.0.1/',
    secret: 'whsec_',
    created_at: AT,
    last_id: null,
    delivered: 0,
    state: 'active' as const,
    reason: null,
    failing_since: null,
    failing_running_ms: null,
  }
  commit({ type: 'subscription', row })
  log.close()
  requestCheck(folder.path)
  const file = databaseFile(folder.path)
  const bytes = readFileSync(file)
  // The header of the file.
  writeFileSync(file, bytes.fill(0, 0, 100))
  log = new OpenLog(openOptions(folder.path))
  expect(log.opened.salvaged).toBeDefined()
  expect(channels()).toHaveLength(2)
  expect(log.rows('SELECT id FROM subscriptions')).toEqual([{ id: 'subscription' }])
  expect(log.rows('SELECT document_id FROM registrations')).toEqual([{ document_id: 'document-1' }])
})
