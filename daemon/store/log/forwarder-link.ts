import type { MessagePort } from 'node:worker_threads'
import type { Clock } from '../../core/clock.ts'
import type { Settlement } from '../tables/cursors.ts'
import type { FromForwarder, ToForwarder } from './writer-messages.ts'

/** Time after which destinations that have given up nothing are asked again. */
const ASK_AGAIN_MS = 1_000

/** The writer's side of its connection to the forwarder: settlements come in, confirmations and requests to give up messages go out. */
export class ForwarderLink {
  private readonly clock: Clock
  private readonly onSettlement: (wasAsked: boolean) => void
  private port: MessagePort | undefined
  private waiting: Settlement[] = []
  private askedAtMs = -Infinity

  /** `wasAsked`: the settlement may be the answer to a request to give up messages. */
  constructor(clock: Clock, onSettlement: (wasAsked: boolean) => void) {
    this.clock = clock
    this.onSettlement = onSettlement
  }

  /** Talks to a new forwarder. It reads what is committed now, so settlements of an earlier one must not be committed later. */
  connect(port: MessagePort): void {
    this.port?.close()
    this.port = port
    this.waiting = []
    port.on('message', ({ settlement }: FromForwarder) => {
      this.waiting.push(settlement)
      const wasAsked = this.askedAtMs > -Infinity
      this.endRequest()
      this.onSettlement(wasAsked)
    })
    this.send({ type: 'ready' })
  }

  get hasSettlements(): boolean {
    return this.waiting.length > 0
  }

  takeSettlements(): Settlement[] {
    const settlements = this.waiting
    this.waiting = []
    return settlements
  }

  /** Puts settlements that could not be written before those that have come since. */
  putBack(settlements: Settlement[]): void {
    this.waiting = [...settlements, ...this.waiting]
  }

  /** The settlements are durable. */
  confirm(settlements: readonly Settlement[]): void {
    const last = settlements.at(-1)
    if (last !== undefined) this.send({ type: 'settled', number: last.number })
  }

  /** Has destinations give up messages; does nothing while an earlier request may still be answered. */
  requestRoom(bytes: number, required: boolean): void {
    const nowMs = this.clock.monotonicMs()
    if (nowMs - this.askedAtMs < ASK_AGAIN_MS) return
    this.askedAtMs = nowMs
    this.send({ type: 'give-up', bytes, required })
  }

  endRequest(): void {
    this.askedAtMs = -Infinity
  }

  close(): void {
    this.port?.close()
  }

  private send(message: ToForwarder): void {
    this.port?.postMessage(message)
  }
}
