import type { MessageDescription, OutgoingMessage } from '../../protocols/adapter.ts'
import type { StoredRecord } from '../../store/log/record.ts'
import type { Plan } from '../../verdict/plan.ts'
import type { Rendered, TargetRenderer } from '../../verdict/render-target.ts'

/** The boot and the store id that a record belongs to. */
export interface Origin {
  epoch: number
  boot: number
}

/** The parts of a message that depend on the destination and on the store; made at each call. */
export interface RecordFacts {
  /** `<gateway id>:<store id>:<seq>` */
  messageId(origin: Origin, seq: number): string
  receivedAt(record: StoredRecord, origin: Origin): { wallMs: number; synced: boolean }
  headers(record: StoredRecord, origin: Origin, extra: Rendered['headers']): Readonly<Record<string, string | Buffer>>
}

export interface RenderedFrom {
  factory: RecordFacts
  record: StoredRecord
  origin: Origin
  plan: Plan
  renderer: TargetRenderer
  /** Wall time at which an operator had the message repeated; null where nobody did. */
  replayedMs: number | null
}

/** The outgoing message of a record. Only its address, key and target's headers are rendered at once, the rest at each access. */
export class RenderedMessage implements OutgoingMessage {
  private readonly from: RenderedFrom
  private readonly rendered: Rendered

  constructor(from: RenderedFrom, rendered: Rendered) {
    this.from = from
    this.rendered = rendered
  }

  get id(): string {
    const { factory, record, origin } = this.from
    return factory.messageId(origin, record.seq)
  }

  get address(): string {
    return this.rendered.address
  }

  get exchange(): string | undefined {
    return this.from.renderer.target.exchange
  }

  get mandatory(): boolean | undefined {
    return this.from.renderer.target.mandatory
  }

  get key(): string | null {
    return this.rendered.key
  }

  get orderKey(): string {
    return this.rendered.key ?? this.from.record.clientId
  }

  get payload(): Uint8Array {
    return this.from.record.payload
  }

  get headers(): Readonly<Record<string, string | Buffer>> {
    const { factory, record, origin, replayedMs } = this.from
    const headers = factory.headers(record, origin, this.rendered.headers)
    return replayedMs === null ? headers : { ...headers, 'replayed-at': new Date(replayedMs).toISOString() }
  }

  get timestampMs(): number | null {
    const { factory, record, origin } = this.from
    const { wallMs, synced } = factory.receivedAt(record, origin)
    return synced ? wallMs : null
  }

  describe(): MessageDescription {
    const { factory, record, origin, plan, renderer } = this.from
    const { topic } = record
    return {
      topic,
      receivedAt: new Date(factory.receivedAt(record, origin).wallMs).toISOString(),
      document: plan.document,
      message: plan.message,
      parameters: renderer.parameters(topic),
      headers: Object.fromEntries(Object.entries(this.headers).map(([name, value]) => [name, String(value)])),
    }
  }
}
