import { asBuffer } from '../../core/bytes.ts'
import { EdgeError } from '../../core/errors.ts'
import { Generations } from '../../core/generations.ts'
import { parseJson } from '../../core/json.ts'
import type { Headers } from '../../core/message.ts'
import type { OutgoingMessage } from '../../protocols/adapter.ts'
import type { LogReader } from '../../store/log/log-reader.ts'
import { FLAG_REPLAYED, headersOf, type StoredRecord } from '../../store/log/record.ts'
import type { Plan } from '../../verdict/plan.ts'
import { RecordOrigins, type OriginReader } from '../../verdict/record-origins.ts'
import { TargetRenderer, type Rendered } from '../../verdict/render-target.ts'
import { RenderedMessage, type Origin, type RecordFacts } from './rendered-message.ts'

/** The part of the log that messages are rendered from: origins, and plans by their number. */
export type PlanReader = OriginReader & Pick<LogReader, 'plan'>

interface PlanEntry {
  plan: Plan
  /** One for each target at this destination. */
  renderers: TargetRenderer[]
  /** The indices of `renderers`. */
  targets: readonly number[]
  /** Headers that depend on the plan alone. */
  constant: Record<string, Buffer>
}

const SYNCED = Buffer.from('synced')
const UNSYNCED = Buffer.from('unsynced')
const RESERVED = [
  'message-id',
  'replayed-at',
  'source-topic',
  'received-at',
  'clock',
  'document',
  'message',
  'gateway',
  'client-id',
  'content-type',
  'valid',
  'errors',
]

/** Turns stored records into the messages of one destination. */
export class MessageFactory implements RecordFacts {
  private readonly destination: string
  private readonly reader: PlanReader
  private readonly plans = new Map<number, PlanEntry>()
  private readonly origins: RecordOrigins
  /** Topics and client ids as bytes, because they repeat in every message of a device. */
  private readonly texts = new Generations<string, Buffer>(5_000)
  private lastWallMs = Number.NaN
  private lastIso = Buffer.alloc(0)

  constructor(destination: string, reader: PlanReader) {
    this.destination = destination
    this.reader = reader
    this.origins = new RecordOrigins(reader)
  }

  /** Numbers of the record's targets at this destination; each of them gets a message. */
  targets(record: StoredRecord): readonly number[] {
    return this.planEntry(record.plan).targets
  }

  /** Ids of the channels that the messages of a plan belong to; none where a damaged store has lost the plan. */
  channelIds(plan: number): readonly string[] {
    try {
      return this.planEntry(plan).plan.channelIds ?? []
    } catch (error) {
      if (!(error instanceof EdgeError)) throw error
      return []
    }
  }

  messageId(origin: Origin, seq: number): string {
    return this.origins.epoch(origin.epoch).prefix + seq
  }

  receivedAt(record: StoredRecord, origin: Origin): { wallMs: number; synced: boolean } {
    return this.origins.receivedAt(record, origin.boot)
  }

  /**
   * The message of a record for one of its targets. Throws `render-failed`.
   *
   * @param replayedMs wall time at which an operator had it repeated
   */
  make(record: StoredRecord, origin: Origin, targetIndex: number, replayedMs: number | null = null): OutgoingMessage {
    const entry = this.planEntry(record.plan)
    const renderer = entry.renderers[targetIndex]
    if (renderer === undefined)
      throw new EdgeError('internal', `plan ${record.plan} has no target ${targetIndex} for ${this.destination}`)
    const rendered = renderer.render({
      topic: record.topic,
      headers: headersOf(record) ?? {},
      payload: () => parseJson(asBuffer(record.payload).toString()),
    })
    return new RenderedMessage({ factory: this, record, origin, plan: entry.plan, renderer, replayedMs }, rendered)
  }

  /** The gateway's own headers, those of the target, and those of the device. */
  headers(record: StoredRecord, origin: Origin, extra: Rendered['headers']): Record<string, string | Buffer> {
    const { plan, constant } = this.planEntry(record.plan)
    const { prefix, gateway } = this.origins.epoch(origin.epoch)
    const { wallMs, synced } = this.receivedAt(record, origin)
    const headers: Record<string, string | Buffer> = {
      'message-id': prefix + record.seq,
      'source-topic': this.bytesOf(record.topic),
      'received-at': this.isoTime(wallMs),
      clock: synced ? SYNCED : UNSYNCED,
      gateway,
      'client-id': this.bytesOf(record.clientId),
      ...constant,
    }
    const own = headersOf(record)
    if (own !== undefined) addDeviceHeaders(headers, own, extra, gatewayHeaders(record, plan))
    for (const name in extra) if (!RESERVED.includes(name)) headers[name] = extra[name] ?? ''
    return headers
  }

  private planEntry(id: number): PlanEntry {
    const known = this.plans.get(id)
    if (known !== undefined) return known
    const body = this.reader.plan(id)
    if (body === undefined) throw new EdgeError('internal', `plan ${id} is not in the store`)
    const plan = JSON.parse(body) as Plan
    const constant: Record<string, Buffer> = {}
    if (plan.document !== null) constant['document'] = Buffer.from(plan.document)
    if (plan.message !== null) constant['message'] = Buffer.from(plan.message)
    if (plan.contentType !== null) constant['content-type'] = Buffer.from(plan.contentType)
    if (plan.invalid === true) constant['valid'] = Buffer.from('false')
    const renderers = plan.targets
      .filter((target) => target.to === this.destination)
      .map((target) => new TargetRenderer(plan, target))
    const entry = { plan, renderers, targets: [...renderers.keys()], constant }
    this.plans.set(id, entry)
    return entry
  }

  private bytesOf(value: string): Buffer {
    let bytes = this.texts.get(value)
    if (bytes === undefined) this.texts.set(value, (bytes = Buffer.from(value)))
    return bytes
  }

  private isoTime(wallMs: number): Buffer {
    if (wallMs !== this.lastWallMs) {
      this.lastWallMs = wallMs
      this.lastIso = Buffer.from(new Date(wallMs).toISOString())
    }
    return this.lastIso
  }
}

/** The device's own headers keep their names, unless a header of the gateway or of the target has the same one. */
function addDeviceHeaders(
  headers: Record<string, string | Buffer>,
  own: Headers,
  extra: Readonly<Record<string, string>>,
  ofGateway: readonly string[],
): void {
  for (const [name, value] of Object.entries(own)) {
    if (ofGateway.includes(name)) headers[name] = value
    else headers[RESERVED.includes(name) || Object.hasOwn(extra, name) ? `device-${name}` : name] = value
  }
}

/** Names of headers that the gateway has stored with a record, among those of the device. */
function gatewayHeaders({ flags }: StoredRecord, plan: Plan): readonly string[] {
  const isReplayed = (flags & FLAG_REPLAYED) !== 0
  if (plan.invalid === true) return isReplayed ? ['errors', 'replayed-at'] : ['errors']
  return isReplayed ? ['replayed-at'] : []
}
