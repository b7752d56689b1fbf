import type Database from 'better-sqlite3'
import type { Op } from '../log/batch.ts'
import { BootWriter } from './boots.ts'
import { CallWriter } from './calls.ts'
import { CopyWriter } from './copies.ts'
import { Cursors } from './cursors.ts'
import { DeadLetterWriter } from './dead-letters.ts'
import { DocumentWriter } from './documents.ts'
import { IdempotencyWriter } from './idempotency.ts'
import { IncomingWriter } from './incoming.ts'
import { PlanWriter } from './plans.ts'
import { QuarantineWriter } from './quarantine.ts'
import { RetainedWriter } from './retained.ts'
import { StatisticsWriter } from './statistics.ts'
import { StreamWriter } from './streams.ts'
import { SubscriptionWriter } from './subscriptions.ts'

/** Writes each operation of a batch into its table, inside the writer's transaction. */
export class TableWriters {
  readonly streams: StreamWriter
  readonly cursors: Cursors
  readonly calls: CallWriter
  readonly idempotency: IdempotencyWriter
  private readonly plans: PlanWriter
  private readonly quarantine: QuarantineWriter
  private readonly deadLetters: DeadLetterWriter
  private readonly incoming: IncomingWriter
  private readonly retained: RetainedWriter
  private readonly boots: BootWriter
  private readonly documents: DocumentWriter
  private readonly subscriptions: SubscriptionWriter
  private readonly statistics: StatisticsWriter

  constructor(db: Database.Database, boot: number) {
    const copies = new CopyWriter(db)
    this.streams = new StreamWriter(db, copies)
    this.cursors = new Cursors(db)
    this.calls = new CallWriter(db, this.streams.rows, this.cursors)
    this.idempotency = new IdempotencyWriter(db)
    this.plans = new PlanWriter(db, copies)
    this.quarantine = new QuarantineWriter(db)
    this.deadLetters = new DeadLetterWriter(db)
    this.incoming = new IncomingWriter(db)
    this.retained = new RetainedWriter(db)
    this.boots = new BootWriter(db, boot)
    this.documents = new DocumentWriter(db)
    this.subscriptions = new SubscriptionWriter(db)
    this.statistics = new StatisticsWriter(db)
  }

  apply(op: Op): void {
    switch (op.type) {
      case 'plan':
        this.plans.insert(op.row)
        break
      case 'stream':
        this.streams.insert(op.row)
        break
      case 'adopt':
        for (const row of op.plans) this.plans.replace(row)
        for (const row of op.streams) this.streams.replace(row)
        break
      case 'quarantine':
        this.quarantine.insert(op.row)
        break
      case 'quarantine-delete':
        this.quarantine.delete(op.id)
        break
      case 'dead-letter-delete':
      case 'dead-letter-replay':
        this.deadLetters.apply(op)
        break
      case 'incoming':
      case 'incoming-delete':
      case 'incoming-clear':
        this.incoming.apply(op)
        break
      case 'retain':
      case 'retain-delete':
        this.retained.apply(op)
        break
      case 'clock-offset':
        this.boots.setClockOffset(op)
        break
      case 'call':
        this.calls.insert(op)
        break
      case 'register':
      case 'activate':
      case 'unregister':
      case 'pin':
        this.documents.apply(op)
        break
      case 'subscription':
      case 'subscription-delete':
        this.subscriptions.apply(op)
        break
      case 'idempotency':
        this.idempotency.upsert(op)
        break
      case 'statistics':
      case 'statistics-trim':
        this.statistics.apply(op)
        break
      default:
        op satisfies never
    }
  }

  committed(): void {
    this.streams.committed()
  }

  rolledBack(): void {
    this.streams.rolledBack()
    this.calls.rolledBack()
  }
}
