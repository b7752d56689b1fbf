import { channelIds } from '../../daemon/asyncapi/contract/channel-ids.ts'
import type { Contract } from '../../daemon/asyncapi/contract/contract.ts'
import { extractContract } from '../../daemon/asyncapi/documents/extract/extract-contract.ts'
import { readSource } from '../../daemon/asyncapi/documents/source/read-source.ts'
import type { Rejection } from '../../daemon/broker/rejection-notices.ts'
import { FakeClock } from '../../daemon/core/clock.ts'
import { EdgeError } from '../../daemon/core/errors.ts'
import type { Headers } from '../../daemon/core/message.ts'
import { systemTimers } from '../../daemon/core/timers.ts'
import { MessageFactory } from '../../daemon/forward/thread/message-factory.ts'
import { CallRecorder } from '../../daemon/ingest/call-recorder.ts'
import { IngestCounts } from '../../daemon/ingest/ingest-counts.ts'
import { Ingest } from '../../daemon/ingest/ingest.ts'
import { Publisher } from '../../daemon/ingest/publisher.ts'
import { RetainedTopics } from '../../daemon/ingest/retained-topics.ts'
import type { PublishInput, PublishOutcome } from '../../daemon/ports/publication.ts'
import type { RouteSettings } from '../../daemon/settings/sections/route-settings.ts'
import type { Unmatched } from '../../daemon/settings/settings.ts'
import { RunningClock } from '../../daemon/store/log/running-clock.ts'
import { AcceptedTable } from '../../daemon/telemetry/statistics/accepted-table.ts'
import { Tally } from '../../daemon/telemetry/statistics/tally.ts'
import type { ActiveDocument } from '../../daemon/verdict/compiled-document.ts'
import { InForce } from '../../daemon/verdict/in-force.ts'
import type { Judge } from '../../daemon/verdict/judge.ts'
import { PlanBook } from '../../daemon/verdict/plan-book.ts'
import { FakeLog, type Appended } from '../ingest/fake-log.ts'

export interface Setup {
  documents: readonly object[]
  /** Default: one, `events`. */
  upstreams?: readonly string[]
  routes?: readonly RouteSettings[]
  unmatched?: Unmatched
}

export interface Sent {
  to: string
  topic: string
  key: string | null
  orderKey: string
  headers: Record<string, string>
}

export interface Fate {
  outcome: PublishOutcome | undefined
  /** What each upstream gets, or why it is refused for it. */
  sent: (Sent | { to: string; refused: string })[]
  /** Code of the quarantined message. */
  quarantined: string | undefined
}

export interface From {
  clientId?: string
  origin?: 'sensor' | 'api'
  headers?: Headers
  qos?: 0 | 1 | 2
  retain?: boolean
  packetId?: number
}

/** A document of 2.6 with these channels. */
export function v2(channels: object, more: object = {}): object {
  return { asyncapi: '2.6.0', info: { title: 'Doc', version: '1' }, channels, ...more }
}

/** A channel of 2.x on which devices publish one message. */
export function publishes(message: object = {}, more: object = {}): object {
  return { publish: { message: { name: 'M', ...message } }, ...more }
}

/** One channel of devices that says where its messages go. */
export function forwarding(target: object, address = 'device/{id}/data'): object {
  return v2({ [address]: publishes({}, { 'x-bridge': { forward: [{ to: 'events', ...target }] } }) })
}

export function contractOf(document: object): Contract {
  return extractContract(readSource(JSON.stringify(document)))
}

/** The main path from a published message to what its upstreams get: all real but the log and the servers. */
export class RoutingWorld {
  readonly log = new FakeLog()
  readonly counts = new IngestCounts()
  readonly notices: { clientId: string; rejection: Rejection }[] = []
  readonly retained = new RetainedTopics([], { maxRetained: 10 })
  readonly clock = new FakeClock()
  private readonly table = new AcceptedTable()
  private readonly inForce: InForce
  readonly ingest: Ingest
  readonly publisher: Publisher
  full = false
  /** The store drops new messages while it is full. */
  mayDrop = false
  private setup: Setup
  private readonly book: PlanBook

  constructor(setup: Setup) {
    this.setup = setup
    this.book = new PlanBook({ plans: [], streams: [] }, (op) => this.log.put(op))
    const tally = (): Tally => new Tally({ scope: 'client', key: '', name: '', document: '' }, this.table)
    const limits = { maxTopicBytes: 1_024, maxTopicLevels: 16, maxPacketSizeBytes: 262_144 }
    const start = { runningMs: 0, monotonicMs: 0, wallMs: 0, synced: true }
    const settings = { record: 'none', sample: 0, maxAgeMs: 1, maxBytes: 1 } as const
    const { upstreams = ['events'], routes = [], unmatched = 'local' } = setup
    const context = {
      settings: { upstreams, routes },
      book: this.book,
      tallyOf: (key: string, name: string, document: string) =>
        new Tally({ scope: 'channel', key, name, document }, this.table),
    }
    this.inForce = new InForce(context, unmatched)
    this.inForce.activate(activeOf(setup.documents))
    this.ingest = new Ingest({
      log: this.log,
      inForce: this.inForce,
      clock: new RunningClock(this.clock, start, true, true),
      limits,
      counts: this.counts,
      lastQuarantineId: 0,
      isFull: () => this.full,
      mayDrop: () => this.mayDrop,
      retained: this.retained,
      messageIdPrefix: 'edge:store:',
      announce: (clientId, rejection) => void this.notices.push({ clientId, rejection }),
      feed: { active: false, message: () => undefined, rejected: () => undefined },
      calls: new CallRecorder(settings, () => undefined),
      statistics: { accepted: this.table, totals: tally(), client: tally, sensor: tally },
    })
    this.publisher = new Publisher({
      ingest: this.ingest,
      inForce: this.inForce,
      limits,
      messageIdPrefix: 'edge:store:',
      isFull: () => undefined,
      timers: systemTimers,
      deliver: () => undefined,
    })
  }

  get judge(): Judge {
    return this.inForce.judge
  }

  /** Other documents or settings are in force. */
  change(setup: Partial<Setup>): void {
    this.setup = { ...this.setup, ...setup }
    const { documents, upstreams = ['events'], routes = [], unmatched = 'local' } = this.setup
    this.inForce.configure({ upstreams, routes }, unmatched)
    this.inForce.activate(activeOf(documents))
  }

  /** A device, unless said otherwise, publishes; nothing is durable yet. */
  hand(topic: string, payload: unknown, from: From, done: (outcome: PublishOutcome) => void): void {
    this.ingest.publish(input(topic, payload, from), done, from.headers)
  }

  /** As `hand`; the log commits. */
  publish(topic: string, payload: unknown = {}, from: From = {}): Fate {
    const known = this.log.records.length
    const refused = this.log.opsOf('quarantine').length
    const answers: PublishOutcome[] = []
    this.hand(topic, payload, from, (outcome) => void answers.push(outcome))
    this.log.commit()
    return {
      outcome: answers[0],
      sent: this.log.records.slice(known).flatMap((one) => this.sent(one)),
      quarantined: this.log.opsOf('quarantine')[refused]?.row.code,
    }
  }

  /** The API publishes on a channel of a document; the log commits. */
  async publishOn(address: string, value: unknown, identity = 'alice'): Promise<Fate['sent']> {
    const known = this.log.records.length
    const { judge } = this
    const ids = judge.catalogue.documents.flatMap(({ name, contract }) => [...channelIds(name, contract)])
    const channelId = ids.find(([channel]) => channel.address === address)?.[1] ?? ''
    const published = this.publisher.publish({ channelId, value }, identity)
    this.log.commit()
    await published
    return this.log.records.slice(known).flatMap((one) => this.sent(one))
  }

  /** What upstreams get of a stored message. */
  sent({ seq, record }: Appended): Fate['sent'] {
    const plans = new Map(this.log.opsOf('plan').map(({ row }) => [row.id, row.body]))
    const reader = {
      plan: (id: number) => plans.get(id),
      messageIdPrefix: () => 'edge:store:',
      wallOffset: () => undefined,
    }
    const stored = { ...record, seq, start: 0, end: 0 }
    return ['events', 'other', 'bus'].flatMap((to) => {
      const factory = new MessageFactory(to, reader)
      return Array.from(factory.targets(stored), (index) => {
        try {
          const { address, key, orderKey, headers } = factory.make(stored, { epoch: 1, boot: 1 }, index)
          const texts = Object.entries(headers).map(([name, value]) => [name, String(value)])
          return { to, topic: address, key, orderKey, headers: Object.fromEntries(texts) as Record<string, string> }
        } catch (error) {
          if (!(error instanceof EdgeError)) throw error
          return { to, refused: error.code }
        }
      })
    })
  }
}

function activeOf(documents: readonly object[]): ActiveDocument[] {
  return documents.map((document) => {
    const contract = contractOf(document)
    return { name: contract.title, version: contract.version, contract }
  })
}

function input(topic: string, payload: unknown, from: From): PublishInput {
  const { clientId = 'client-1', origin, qos = 1, retain = false, packetId } = from
  const bytes = Buffer.isBuffer(payload) ? payload : typeof payload === 'string' ? payload : JSON.stringify(payload)
  const rest = { qos, retain, clientId, packetId, ...(origin === undefined ? {} : { origin }) }
  return { topic, payload: Buffer.from(bytes), ...rest }
}

/** What `events` gets of one message. */
export function sentOf(document: object, topic: string, payload: unknown = {}, from: From = {}): Sent {
  const [sent] = new RoutingWorld({ documents: [document] }).publish(topic, payload, from).sent
  if (sent === undefined || 'refused' in sent) throw new Error(`nothing was sent: ${sent?.refused ?? 'no target'}`)
  return sent
}
