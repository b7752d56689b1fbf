import { readFileSync, writeFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Op } from '../../daemon/store/batch.ts'
import { databaseFile } from '../../daemon/store/connection.ts'
import { requestCheck } from '../../daemon/store/open-store.ts'
import { ApiReader } from '../../daemon/store/api-reader.ts'
import { RefusedReader } from '../../daemon/store/refused-reader.ts'
import { RegistryReader } from '../../daemon/store/registry-reader.ts'
import type { CallRow, DocumentRows } from '../../daemon/store/registry-rows.ts'
import { temporaryFolder, type TemporaryFolder } from '../servers/temporary-folder.ts'
import {
  ALL_HISTORY,
  batchOf,
  blocksOf,
  cursorRow,
  OpenLog,
  openOptions,
  quarantineOp,
  streamOp,
} from './store-fixture.ts'

const AT = '2026-01-01T00:00:00.000Z'
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

function rows(version: string, addresses: readonly string[], at = AT): DocumentRows {
  const stamps = { status: 'active', created_at: at, updated_at: at }
  const id = `document-${version}`
  const channels = addresses.map((address) => ({
    id: `channel-${address}`,
    asyncapi_document_id: id,
    channel_name: address,
    protocol: 'mqtt',
    description: null,
    publish_operations: '[]',
    subscribe_operations: null,
    parameters: '[]',
    ...stamps,
  }))
  const definitions = addresses.map((address) => ({
    id: `message-${address}`,
    channel_id: `channel-${address}`,
    message_name: 'Data',
    message_type: 'publish',
    payload_schema: '{}',
    headers_schema: null,
    description: null,
    ...stamps,
  }))
  const document = { id, template_id: 'template', name: 'meter', version, base_url: null, ...stamps }
  return { document, channels, definitions, brokers: [] }
}

function registration(version: string, addresses: readonly string[], active = true): Op {
  const template = { id: 'template', name: 'meter', content: 'text', status: 'active', created_at: AT, updated_at: AT }
  return {
    type: 'register',
    registration: {
      template,
      ...rows(version, addresses),
      registration: {
        document_id: `document-${version}`,
        serial: Number(version),
        mode: 'strict',
        source: 'api',
        file: null,
        contract_hash: 'hash',
        pinned: 0,
        registered_by: 'admin',
      },
      active,
    },
  }
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

  test('of a newer version takes over the channels, and what it no longer has is deleted', () => {
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
    const reader = new RegistryReader(log.db)
    expect(reader.registrations()).toMatchObject([
      { document_id: 'document-1', name: 'meter', version: '1', serial: 1 },
    ])
    expect(reader.template('template')).toBe('text')
  })
})

function callRow(id: string, channel = 'channel-a'): CallRow {
  return {
    id,
    channel_id: channel,
    message_id: 'message-a',
    operation_type: 'publish',
    payload: '{}',
    headers: null,
    broker_response: null,
    status: 'accepted',
    error_message: null,
    response_time_ms: null,
    created_at: AT,
  }
}

describe('the log of calls', () => {
  const calls = (): unknown[] => log.rows('SELECT id, broker_response FROM message_call_logs ORDER BY id')

  test('is completed once every destination has settled the message', () => {
    const state = { seq: 1, stream: 1, receivedRunningMs: 0 }
    const ops: Op[] = [streamOp(1, ['bus', 'journal']), { type: 'call', row: callRow('one'), state }]
    log.writer.commit(batchOf(++number, blocksOf(1, 1, ['{}']), ops), [])
    log.writer.sweep(0, Date.parse(AT))
    expect(calls()).toEqual([{ id: 'one', broker_response: null }])
    const letter = { seq: 1, messageId: 'm', topic: 't', address: 'a', clientId: 'c', code: 'message-too-large' }
    const deadLetters = [{ ...letter, answer: '', headers: '{}', payload: Buffer.alloc(0), wallMs: 0 }]
    const settled = { deadLetters: [], held: [], released: [] }
    log.writer.commit(null, [{ number: 1, cursor: cursorRow('journal', 2), ...settled }])
    log.writer.sweep(0, Date.parse(AT))
    expect(calls()).toEqual([{ id: 'one', broker_response: null }])
    log.writer.commit(null, [{ number: 2, cursor: cursorRow('bus', 2), ...settled, deadLetters }])
    log.writer.sweep(0, Date.parse(AT))
    expect(calls()).toEqual([
      { id: 'one', broker_response: '{"bus":"dead-lettered: message-too-large","journal":"settled"}' },
    ])
    expect(log.rows('SELECT * FROM call_states')).toEqual([])
  })

  test('tells what a destination has given up or let expire, lane by lane, and nothing of others', () => {
    const settled = { deadLetters: [], held: [], released: [] }
    const ops: Op[] = [streamOp(1, ['bus', 'journal']), streamOp(2, ['bus'], 'alarm')]
    for (const seq of [1, 2, 3, 4])
      ops.push({
        type: 'call',
        row: callRow(`c${seq}`),
        state: { seq, stream: seq === 3 ? 2 : 1, receivedRunningMs: 0 },
      })
    log.writer.commit(batchOf(++number, blocksOf(1, 1, ['{}', '{}', '{}', '{}']), ops), [])
    const lost = [
      { from: 1, to: 1, fate: 'expired' as const },
      { from: 2, to: 4, fate: 'dropped' as const },
    ]
    log.writer.commit(null, [{ number: 1, cursor: cursorRow('journal', 5), ...settled }])
    log.writer.commit(null, [{ number: 2, cursor: cursorRow('bus', 5), ...settled, lost }])
    log.writer.commit(null, [{ number: 3, cursor: cursorRow('bus', 5, { lane: 'alarm' }), ...settled }])
    log.writer.sweep(0, Date.parse(AT))
    expect(calls()).toEqual([
      { id: 'c1', broker_response: '{"bus":"expired","journal":"settled"}' },
      { id: 'c2', broker_response: '{"bus":"dropped","journal":"settled"}' },
      { id: 'c3', broker_response: '{"bus":"settled"}' },
      { id: 'c4', broker_response: '{"bus":"dropped","journal":"settled"}' },
    ])
    expect(log.rows('SELECT * FROM call_losses')).toEqual([])
  })

  test('keeps nothing of losses that no call waits for', () => {
    const ops: Op[] = [streamOp(1, ['bus'])]
    ops.push({ type: 'call', row: callRow('one'), state: { seq: 9, stream: 1, receivedRunningMs: 0 } })
    log.writer.commit(batchOf(++number, blocksOf(1, 9, ['{}']), ops), [])
    const lost = [{ from: 1, to: 8, fate: 'dropped' as const }]
    const settlement = { number: 1, cursor: cursorRow('bus', 9), deadLetters: [], held: [], released: [], lost }
    log.writer.commit(null, [settlement])
    expect(log.rows('SELECT * FROM call_losses')).toEqual([])
  })

  test('waits for a message that is held, and tells in the end what became of it', () => {
    const nothing = { deadLetters: [], held: [], released: [] }
    const state = (seq: number) => ({ seq, stream: 1, receivedRunningMs: 0 })
    const ops: Op[] = [streamOp(1, ['bus'])]
    for (const seq of [1, 2]) ops.push({ type: 'call', row: callRow(`c${seq}`), state: state(seq) })
    log.writer.commit(batchOf(++number, blocksOf(1, 1, ['{}', '{}']), ops), [])
    const held = [{ seq: 1, route: 'r', epoch: 1, boot: 1, sinceRunningMs: 0, record: Buffer.alloc(1) }]
    log.writer.commit(null, [{ number: 1, cursor: cursorRow('bus', 3), ...nothing, held }])
    log.writer.sweep(0, Date.parse(AT))
    expect(calls()).toEqual([
      { id: 'c1', broker_response: null },
      { id: 'c2', broker_response: '{"bus":"settled"}' },
    ])
    const letter = { seq: 1, messageId: 'm', topic: 't', address: 'a', clientId: 'c', code: 'held-too-long' }
    const deadLetters = [{ ...letter, answer: '', headers: '{}', payload: Buffer.alloc(0), wallMs: 0 }]
    log.writer.commit(null, [{ number: 2, cursor: cursorRow('bus', 3), ...nothing, released: [1], deadLetters }])
    log.writer.sweep(0, Date.parse(AT))
    expect(calls()[0]).toEqual({ id: 'c1', broker_response: '{"bus":"dead-lettered: held-too-long"}' })
  })

  test('keeps up: with each commit more are completed than come', () => {
    const nothing = { deadLetters: [], held: [], released: [] }
    log.writer.commit(batchOf(++number, [], [streamOp(1, ['bus'])]), [])
    let seq = 0
    for (let round = 0; round < 20; round++) {
      const ops: Op[] = Array.from({ length: 500 }, () => ({
        type: 'call' as const,
        row: callRow(`c${++seq}`),
        state: { seq, stream: 1, receivedRunningMs: 0 },
      }))
      log.writer.commit(batchOf(++number, [], ops), [
        { number: round, cursor: cursorRow('bus', seq - 499), ...nothing },
      ])
    }
    // What the last commits have brought is all that waits.
    expect(log.rows('SELECT count(*) AS waiting FROM call_states')).toEqual([{ waiting: 1_000 }])
    log.writer.commit(null, [{ number: 100, cursor: cursorRow('bus', seq + 1), ...nothing }])
    log.writer.sweep(0, Date.parse(AT))
    expect(log.rows('SELECT count(*) AS waiting FROM call_states')).toEqual([{ waiting: 0 }])
  })

  test('tells the time from receipt to durable, whatever waits for its destinations', () => {
    const ops: Op[] = [streamOp(1, ['bus'])]
    ops.push({ type: 'call', row: callRow('one'), state: { seq: 1, stream: 1, receivedRunningMs: 900 } })
    log.writer.commit(batchOf(++number, blocksOf(1, 1, ['{}']), ops, 1_000), [], 50)
    log.writer.sweep(1_100, Date.parse(AT))
    const times = (): unknown[] => log.rows('SELECT response_time_ms AS ms FROM message_call_logs')
    const [first] = times()
    expect(first).toEqual({ ms: expect.toSatisfy((ms: number) => ms >= 150 && ms < 1_000) as number })
    log.writer.sweep(1_200, Date.parse(AT))
    expect(times()).toEqual([first])
  })

  test('of a message that goes nowhere is complete at once', () => {
    const state = { seq: 1, stream: 1, receivedRunningMs: 0 }
    const ops: Op[] = [streamOp(1, []), { type: 'call', row: callRow('one'), state }]
    log.writer.commit(batchOf(++number, blocksOf(1, 1, ['{}']), ops), [])
    log.writer.sweep(0, Date.parse(AT))
    expect(calls()).toEqual([{ id: 'one', broker_response: '{}' }])
  })

  test('is bounded by age and by bytes', () => {
    log.close()
    log = new OpenLog(openOptions(folder.path), { ...ALL_HISTORY, callLog: { maxAgeMs: 1_000, maxBytes: 2_000 } })
    commit({ type: 'call', row: { ...callRow('old'), created_at: '1970-01-01T00:00:01.000Z' } })
    commit({ type: 'call', row: { ...callRow('new'), created_at: '1970-01-01T00:00:09.000Z' } })
    log.writer.sweep(0, 9_500)
    expect(calls()).toEqual([{ id: 'new', broker_response: null }])
    for (let index = 0; index < 20; index++)
      commit({ type: 'call', row: { ...callRow(`n${index}`), created_at: '1970-01-01T00:00:09.000Z' } })
    log.writer.sweep(0, 9_500)
    expect(calls().length).toBeLessThan(20)
  })

  test('is read in pages, the newest first', () => {
    for (const id of ['one', 'two', 'three']) commit({ type: 'call', row: callRow(id) })
    const reader = new ApiReader(log.db)
    const first = reader.calls({ limit: 2, where: { channel_id: 'channel-a' } })
    expect(first.map((row) => row.id)).toEqual(['three', 'two'])
    const second = reader.calls({ limit: 2, before: first[1]?.rowid, where: {} })
    expect(second.map((row) => row.id)).toEqual(['one'])
    expect(reader.calls({ limit: 2, where: { channel_id: 'other' } })).toEqual([])
  })
})

test('idempotency keys go after a day', () => {
  const row = { identity: 'i', body_hash: 'h', answer: '{}' }
  commit({ type: 'idempotency', row: { ...row, key: 'old', wall_ms: 1_000 } })
  commit({ type: 'idempotency', row: { ...row, key: 'new', wall_ms: 80_000_000 } })
  log.writer.sweep(0, 86_402_000)
  const reader = new ApiReader(log.db)
  expect(reader.idempotency('i', 'old')).toBeUndefined()
  expect(reader.idempotency('i', 'new')).toMatchObject({ answer: '{}' })
})

test('statistics are replaced by key and trimmed by time', () => {
  const row = { step: 60, scope: 'total', key: '', body: '{}' }
  commit({
    type: 'statistics',
    rows: [
      { ...row, bucket: 60 },
      { ...row, bucket: 120 },
    ],
  })
  commit({ type: 'statistics', rows: [{ ...row, bucket: 120, body: '{"n":1}' }] })
  commit({ type: 'statistics-trim', step: 60, before: 120 })
  const reader = new ApiReader(log.db)
  expect(reader.statistics(60, 0, 1_000, 'total')).toEqual([{ ...row, bucket: 120, body: '{"n":1}' }])
})

test('refused messages are read in pages and by their filters', () => {
  commit(quarantineOp(1), quarantineOp(2), quarantineOp(3))
  const reader = new RefusedReader(log.db)
  expect(reader.quarantine({ limit: 2, where: {} }).map((row) => row.id)).toEqual([3, 2])
  expect(reader.quarantine({ limit: 2, before: 2, where: { topic: 't' } }).map((row) => row.id)).toEqual([1])
  expect(reader.quarantine({ limit: 2, where: { topic: 'other' } })).toEqual([])
  expect(reader.quarantined(2)).toMatchObject({ topic: 't', client_id: 'c' })
})

test('a store of before the registry gets its tables, and keeps its messages', () => {
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
