import type { LoadClient } from './load-client.ts'

/** As fast as it goes: every client keeps its window full until all of them together have sent the total. */
export class TotalLoad {
  readonly finished: Promise<void>
  private readonly total: number
  private readonly window: number
  private sent = 0
  private acknowledged = 0
  private readonly finish: () => void

  constructor(total: number, window: number) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.total = total
    this.window = window
    this.finished = promise
    this.finish = resolve
  }

  start(clients: readonly LoadClient[]): void {
    for (const client of clients) this.publish(client, this.window)
  }

  onAcknowledged(client: LoadClient, count: number): void {
    this.acknowledged += count
    if (this.acknowledged === this.total) this.finish()
    else this.publish(client, count)
  }

  get messages(): number {
    return this.acknowledged
  }

  private publish(client: LoadClient, count: number): void {
    // One budget for all, so that no client runs alone at the end.
    const allowed = Math.min(count, this.total - this.sent)
    if (allowed === 0) return
    this.sent += allowed
    client.publish(allowed)
  }
}
