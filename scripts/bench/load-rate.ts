import { setTimeout as sleep } from 'node:timers/promises'
import type { LoadClient } from './load-client.ts'

const TICK_MS = 1

/** A steady rate, dealt out to the clients in turn, with the time from each message to its acknowledgement. */
export class RateLoad {
  readonly latenciesMs: number[] = []
  /** When the messages in flight became due, oldest first: acknowledgements come in order [MQTT-4.6.0-2]. */
  private readonly due = new Map<LoadClient, Fifo>()
  private readonly rate: number
  private readonly seconds: number
  private readonly window: number

  constructor(rate: number, seconds: number, window: number) {
    this.rate = rate
    this.seconds = seconds
    this.window = window
  }

  /** Resolves when the last message is acknowledged. */
  async run(clients: readonly LoadClient[]): Promise<void> {
    for (const client of clients) this.due.set(client, new Fifo())
    const total = Math.round(this.rate * this.seconds)
    const start = performance.now()
    /** A message that finds no room waits here, and its time runs: what a stalled broker delays is counted. */
    const waiting = new Fifo()
    let dueCount = 0
    let turn = 0
    while (dueCount < total || waiting.size > 0) {
      const now = performance.now()
      const target = Math.min(total, ((now - start) * this.rate) / 1000)
      for (; dueCount < target; dueCount++) waiting.push(now)
      for (let tried = 0; waiting.size > 0 && tried < clients.length; turn++) {
        const client = clients[turn % clients.length]
        if (client === undefined || client.inFlight >= this.window) {
          tried++
          continue
        }
        tried = 0
        this.due.get(client)?.push(waiting.shift())
        client.publish(1)
      }
      await sleep(TICK_MS)
    }
    while (clients.some((client) => client.inFlight > 0)) await sleep(TICK_MS)
  }

  onAcknowledged(client: LoadClient, count: number): void {
    const now = performance.now()
    const due = this.due.get(client)
    if (due === undefined) return
    for (let i = 0; i < count; i++) this.latenciesMs.push(now - due.shift())
  }

  get messages(): number {
    return this.latenciesMs.length
  }
}

/** `Array.shift` moves the whole array; this one only forgets it when it is empty or mostly read. */
class Fifo {
  private items: number[] = []
  private head = 0

  get size(): number {
    return this.items.length - this.head
  }

  push(item: number): void {
    this.items.push(item)
  }

  shift(): number {
    const item = this.items[this.head++]
    if (item === undefined) throw new Error('more was acknowledged than sent')
    if (this.head >= 1024 && this.head * 2 >= this.items.length) {
      this.items = this.items.slice(this.head)
      this.head = 0
    }
    return item
  }
}
