import { asBuffer } from '../core/bytes.ts'
import { EdgeError } from '../core/errors.ts'
import { parseJson } from '../core/json.ts'
import type { Headers } from '../core/message.ts'
import type { MessageDescription, OutgoingMessage } from '../protocols/protocol-adapter.ts'
import type { LogReader } from '../store/log-reader.ts'
import { headersOf, type StoredRecord } from '../store/record.ts'
import { Generations } from '../core/generations.ts'
import type { Plan } from './plan.ts'
import { RecordOrigins, type OriginReader } from './record-origins.ts'
import { TargetRenderer } from './render-target.ts'

/** Which boot and which store id a record belongs to. */
export interface Origin {
  epoch: number
  boot: number
}

/** Also knows the plans that records name by number. */
export type PlanReader = OriginReader & Pick<LogReader, 'plan'>

interface PlanEntry {
  plan: Plan
  /** For this destination. */
  renderers: TargetRenderer[]
  constant: Record<string, Buffer>
}

const SYNCED = Buffer.from('synced')
const UNSYNCED = Buffer.from('unsynced')
const RESERVED = [
  'message-id',
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

/** Makes what goes out of what was stored, for one destination. */
export class MessageFactory {
  private readonly destination: string
  private readonly reader: PlanReader
  private readonly plans = new Map<number, PlanEntry>()
  private readonly origins: RecordOrigins
  private readonly texts = new Generations<string, Buffer>(5_000)
  private lastWallMs = Number.NaN
  private lastIso = Buffer.alloc(0)

  constructor(destination: string, reader: PlanReader) {
    this.destination = destination
    this.reader = reader
    this.origins = new RecordOrigins(reader)
  }

  /** How many messages a record becomes here: one a target. */
  targetCount(record: StoredRecord): number {
    return this.entry(record.plan).renderers.length
  }

  /** Of the channels that messages of a plan belong to. */
  channelIds(plan: number): readonly string[] {
    return this.entry(plan).plan.channelIds ?? []
  }

  /** `<gateway id>:<store id>:<seq>` */
  messageId(origin: Origin, seq: number): string {
    return this.origins.epoch(origin.epoch).prefix + seq
  }

  receivedAt(record: StoredRecord, origin: Origin): { wallMs: number; synced: boolean } {
    return this.origins.receivedAt(record, origin.boot)
  }

  /** Throws `render-failed`. */
  make(record: StoredRecord, origin: Origin, targetIndex: number): OutgoingMessage {
    const { plan, renderers, constant } = this.entry(record.plan)
    const renderer = renderers[targetIndex]
    if (renderer === undefined)
      throw new EdgeError('internal', `plan ${record.plan} has no target ${targetIndex} for ${this.destination}`)
    const own = headersOf(record)
    const {
      address,
      key,
      headers: extra,
    } = renderer.render({
      topic: record.topic,
      headers: own ?? {},
      payload: () => parseJson(asBuffer(record.payload).toString()),
    })
    const { prefix, gateway } = this.origins.epoch(origin.epoch)
    const id = prefix + record.seq
    const { wallMs, synced } = this.receivedAt(record, origin)
    const headers: Record<string, string | Buffer> = {
      'message-id': id,
      'source-topic': this.text(record.topic),
      'received-at': this.iso(wallMs),
      clock: synced ? SYNCED : UNSYNCED,
      gateway,
      'client-id': this.text(record.clientId),
      ...constant,
    }
    if (own !== undefined) addOwn(headers, own, extra, plan.invalid === true)
    for (const name in extra) if (!RESERVED.includes(name)) headers[name] = extra[name] ?? ''
    const { exchange, mandatory } = renderer.target
    return {
      id,
      address,
      key,
      orderKey: key ?? record.clientId,
      payload: record.payload,
      headers,
      timestampMs: synced ? wallMs : null,
      ...(exchange === undefined ? {} : { exchange }),
      ...(mandatory === undefined ? {} : { mandatory }),
      describe: () => this.describe(record, plan, renderer, wallMs, headers),
    }
  }

  private describe(
    record: StoredRecord,
    plan: Plan,
    renderer: TargetRenderer,
    wallMs: number,
    headers: Record<string, string | Buffer>,
  ): MessageDescription {
    return {
      topic: record.topic,
      receivedAt: new Date(wallMs).toISOString(),
      document: plan.document,
      message: plan.message,
      parameters: renderer.parameters(record.topic),
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    }
  }

  private entry(id: number): PlanEntry {
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
    const entry = { plan, renderers, constant }
    this.plans.set(id, entry)
    return entry
  }

  private text(value: string): Buffer {
    let bytes = this.texts.get(value)
    if (bytes === undefined) this.texts.set(value, (bytes = Buffer.from(value)))
    return bytes
  }

  private iso(wallMs: number): Buffer {
    if (wallMs !== this.lastWallMs) {
      this.lastWallMs = wallMs
      this.lastIso = Buffer.from(new Date(wallMs).toISOString())
    }
    return this.lastIso
  }
}

/** The device's own headers keep their names, unless one of the gateway's or of the target's has it. */
function addOwn(
  headers: Record<string, string | Buffer>,
  own: Headers,
  extra: Readonly<Record<string, string>>,
  invalid: boolean,
): void {
  for (const [name, value] of Object.entries(own)) {
    if (invalid && name === 'errors') headers['errors'] = value
    else headers[RESERVED.includes(name) || Object.hasOwn(extra, name) ? `device-${name}` : name] = value
  }
}
