import type { FromForwarder, ToForwarder } from '../../store/log/writer-messages.ts'
import type { CursorRow, LostRange, Settlement } from '../../store/tables/cursors.ts'
import type { DeadLetterInput } from '../../store/tables/dead-letters.ts'
import type { DeliveryKey, HeldInput } from '../../store/tables/held.ts'
import type { WriterPort } from '../forwarder-messages.ts'

/** Changes of one lane that become durable together. */
export interface Settled {
  cursor: CursorRow
  deadLetters: DeadLetterInput[]
  held: HeldInput[]
  released: DeliveryKey[]
  lost: LostRange[]
}

/** The part of the reporter that destinations use. */
export type SettlementReporter = Pick<Reporter, 'report' | 'flushed' | 'unconfirmedCount' | 'confirmed'>

/**
 * Hands settlements to the log writer. If the writer dies, those that it has not confirmed are handed to the next one: cursors are
 * absolute and dead letters are identified by destination and sequence, so a repeat changes nothing.
 */
export class Reporter {
  private port: WriterPort | undefined
  private number = 0
  /** Number of the last settlement that is durable. */
  confirmed = 0
  private unconfirmed: Settlement[] = []
  private readonly waiting: { number: number; resolve: () => void }[] = []
  private discard: (bytes: number, required: boolean) => void = () => undefined
  private readonly writerReady = Promise.withResolvers<void>()

  /** Reports to this writer from now on. */
  connect(port: WriterPort): void {
    this.port?.close()
    this.port = port
    port.on('message', (message) => this.receive(message))
    for (const settlement of this.unconfirmed) this.send(settlement)
  }

  /**
   * Resolves when the first writer has answered: what an earlier forwarder has reported to it is committed or dropped by then, so
   * cursors and held deliveries can be read.
   */
  get ready(): Promise<void> {
    return this.writerReady.promise
  }

  /** Sets the handler that discards messages when the store needs room; `required`: of required destinations, too. */
  onRoomNeeded(discard: (bytes: number, required: boolean) => void): void {
    this.discard = discard
  }

  /** Returns the number of the settlement, which `confirmed` reaches when it is durable. */
  report(settled: Settled): number {
    const settlement = { number: ++this.number, ...settled }
    this.unconfirmed.push(settlement)
    this.send(settlement)
    return settlement.number
  }

  /** Resolves when every report so far is durable. */
  async flushed(): Promise<void> {
    if (this.unconfirmed.length === 0) return
    await new Promise<void>((resolve) => this.waiting.push({ number: this.number, resolve }))
  }

  get unconfirmedCount(): number {
    return this.unconfirmed.length
  }

  close(): void {
    this.port?.close()
  }

  private send(settlement: Settlement): void {
    const message: FromForwarder = { type: 'settlement', settlement }
    this.port?.postMessage(message)
  }

  private receive(message: ToForwarder): void {
    if (message.type === 'give-up') return this.discard(message.bytes, message.required)
    if (message.type === 'ready') return this.writerReady.resolve()
    this.confirmed = Math.max(this.confirmed, message.number)
    this.unconfirmed = this.unconfirmed.filter((settlement) => settlement.number > message.number)
    while (this.waiting[0] !== undefined && this.waiting[0].number <= message.number) this.waiting.shift()?.resolve()
  }
}
