import type Database from 'better-sqlite3'
import type { RegistryApplier } from '../tables/registry-applier.ts'
import type { Op, QuarantineInput, StreamRow } from './batch.ts'

/** Writes what a batch carries beside its messages, inside the writer's transaction. */
export class OpApplier {
  private readonly streams: Map<number, StreamRow>
  private readonly boot: number
  private readonly registry: RegistryApplier
  private readonly statements: ReturnType<typeof prepare>
  private added: number[] = []

  constructor(db: Database.Database, streams: Map<number, StreamRow>, boot: number, registry: RegistryApplier) {
    this.registry = registry
    this.streams = streams
    this.boot = boot
    this.statements = prepare(db)
    for (const row of readStreams(db)) streams.set(row.id, row)
  }

  apply(op: Op): void {
    const sql = this.statements
    switch (op.type) {
      case 'plan':
        sql.plan.run(op.row.id, op.row.body)
        sql.copy.run('plan', op.row.id, op.row.body)
        break
      case 'stream':
        sql.stream.run(op.row.id, op.row.lane, JSON.stringify(op.row.destinations))
        sql.copy.run('stream', op.row.id, JSON.stringify(op.row))
        if (!this.streams.has(op.row.id)) this.added.push(op.row.id)
        this.streams.set(op.row.id, op.row)
        break
      case 'adopt':
        for (const row of op.plans) {
          sql.replacePlan.run(row.body, row.id)
          sql.replaceCopy.run(row.body, 'plan', row.id)
        }
        for (const row of op.streams) {
          sql.replaceStream.run(JSON.stringify(row.destinations), row.id)
          sql.replaceCopy.run(JSON.stringify(row), 'stream', row.id)
          this.streams.set(row.id, row)
        }
        break
      case 'quarantine':
        sql.quarantine.run(...quarantineValues(op.row))
        break
      case 'quarantine-delete':
        sql.quarantineDelete.run(op.id)
        break
      case 'dead-letter-delete':
        sql.deadLetterDelete.run(op.id)
        break
      case 'incoming':
        sql.incoming.run(op.clientId, op.packetId)
        break
      case 'incoming-delete':
        sql.incomingDelete.run(op.clientId, op.packetId)
        break
      case 'incoming-clear':
        sql.incomingClear.run(op.clientId)
        break
      case 'retain':
        sql.retain.run(op.row.topic, op.row.payload, op.row.qos)
        break
      case 'retain-delete':
        sql.retainDelete.run(op.topic)
        break
      case 'clock-offset':
        sql.clockOffset.run(op.wallMinusRunningMs, this.boot)
        break
      case 'register':
      case 'activate':
      case 'unregister':
      case 'pin':
      case 'call':
      case 'subscription':
      case 'subscription-delete':
      case 'idempotency':
      case 'statistics':
      case 'statistics-trim':
        this.registry.apply(op)
        break
    }
  }

  /** The transaction was rolled back: the streams that it added are not there. */
  forget(): void {
    for (const id of this.added) this.streams.delete(id)
    this.added = []
  }

  /** The transaction stands. */
  keep(): void {
    this.added = []
  }
}

function prepare(db: Database.Database) {
  return {
    plan: db.prepare('INSERT INTO plans (id, body) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    copy: db.prepare('INSERT INTO copies (kind, id, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'),
    stream: db.prepare('INSERT INTO streams (id, lane, destinations) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'),
    replacePlan: db.prepare('UPDATE plans SET body = ? WHERE id = ?'),
    replaceStream: db.prepare('UPDATE streams SET destinations = ? WHERE id = ?'),
    replaceCopy: db.prepare('UPDATE copies SET body = ? WHERE kind = ? AND id = ?'),
    quarantine: db.prepare(
      'INSERT INTO quarantine (id, topic, client_id, payload, headers, qos, code, errors, document, message, wall_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    quarantineDelete: db.prepare('DELETE FROM quarantine WHERE id = ?'),
    deadLetterDelete: db.prepare('DELETE FROM dead_letters WHERE id = ?'),
    incoming: db.prepare('INSERT INTO incoming (client_id, packet_id) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    incomingDelete: db.prepare('DELETE FROM incoming WHERE client_id = ? AND packet_id = ?'),
    incomingClear: db.prepare('DELETE FROM incoming WHERE client_id = ?'),
    retain: db.prepare(
      'INSERT INTO retained (topic, payload, qos) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET payload = excluded.payload, qos = excluded.qos',
    ),
    retainDelete: db.prepare('DELETE FROM retained WHERE topic = ?'),
    clockOffset: db.prepare('UPDATE boots SET wall_minus_running_ms = ? WHERE id = ?'),
  }
}

function quarantineValues(row: QuarantineInput): unknown[] {
  return [
    row.id,
    row.topic,
    row.clientId,
    row.payload,
    row.headers,
    row.qos,
    row.code,
    row.errors,
    row.document,
    row.message,
    row.wallMs,
  ]
}

export function readStreams(db: Database.Database): StreamRow[] {
  const rows = db
    .prepare<[], { id: number; lane: StreamRow['lane']; destinations: string }>(
      'SELECT id, lane, destinations FROM streams',
    )
    .all()
  return rows.map((row) => ({ id: row.id, lane: row.lane, destinations: JSON.parse(row.destinations) as string[] }))
}
