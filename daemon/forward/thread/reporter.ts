import type { MessagePort } from 'node:worker_threads'
import type { FromForwarder, ToForwarder } from '../../store/log/writer-messages.ts'
import type { CursorRow, LostRange, Settlement } from '../../store/tables/cursors.ts'
import type { DeadLetterInput } from '../../store/tables/dead-letters.ts'
import type { HeldInput } from '../../store/tables/held.ts'

export interface Settled {
  cursor: CursorRow
  deadLetters: DeadLetterInput[]
  held: HeldInput[]
  released: number[]
  lost: LostRange[]
}

/**
 * Hands settlements to the log writer. What the writer has not confirmed is handed to the next one, if it dies: cursors are
 * absolute and dead letters are known by destination and sequence, so that twice is as good as once.
 */
export class Reporter {
  private port: MessagePort | undefined
  private number = 0
  private unconfirmed: Settlement[] = []
  private readonly waiting: { number: number; resolve: () => void }[] = []
  private onGiveUp: (bytes: number, required: boolean) => void = () => undefined

  /** Talks to a (new) writer. */
  connect(port: MessagePort): void {
    this.port?.close()
    this.port = port
    port.on('message', (message: ToForwarder) => this.receive(message))
    for (const settlement of this.unconfirmed) this.send(settlement)
  }

  /** The store needs room: destinations are asked to give up what they may. */
  set giveUp(handler: (bytes: number, required: boolean) => void) {
    this.onGiveUp = handler
  }

  report(settled: Settled): void {
    const settlement = { number: ++this.number, ...settled }
    this.unconfirmed.push(settlement)
    this.send(settlement)
  }

  /** Resolves when everything reported so far is durable. */
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
    if (message.type === 'give-up') return this.onGiveUp(message.bytes, message.required)
    this.unconfirmed = this.unconfirmed.filter((settlement) => settlement.number > message.number)
    while (this.waiting[0] !== undefined && this.waiting[0].number <= message.number) this.waiting.shift()?.resolve()
  }
}
