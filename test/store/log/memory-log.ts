import type { LogSubject, StoredMessage } from './log-suite.ts'

/** A log in memory with the same promises: it shows that the suite tests promises, not an implementation. */
export class MemoryLog implements LogSubject {
  storeId = 'store-1'
  lastSeq = 0
  private messages: (StoredMessage & { destinations: readonly string[]; bytes: number })[] = []
  private readonly cursors = new Map<string, number>()
  private readonly maxBytes: number
  private stores = 1

  constructor(maxBytes = 1_000_000) {
    this.maxBytes = maxBytes
  }

  append(destinations: readonly string[], payloads: readonly string[]): 'stored' | 'full' {
    this.expire()
    const used = this.messages.reduce((sum, message) => sum + message.bytes, 0)
    const needed = payloads.reduce((sum, payload) => sum + payload.length, 0)
    if (used + needed > this.maxBytes) return 'full'
    for (const payload of payloads)
      this.messages.push({ seq: ++this.lastSeq, payload, destinations, bytes: payload.length })
    return 'stored'
  }

  failAppend(): void {
    // A failed transaction leaves nothing behind.
  }

  settle(destination: string, low: number): void {
    this.cursors.set(destination, Math.max(low, this.low(destination)))
  }

  crash(): void {
    this.storeId = `store-${++this.stores}`
  }

  reopen(): void {
    // A clean end changes nothing.
  }

  expire(): void {
    this.messages = this.messages.filter((message) =>
      message.destinations.some((destination) => message.seq >= this.low(destination)),
    )
  }

  low(destination: string): number {
    return this.cursors.get(destination) ?? 0
  }

  unsettled(destination: string): StoredMessage[] {
    return this.messages
      .filter((message) => message.destinations.includes(destination) && message.seq >= this.low(destination))
      .map(({ seq, payload }) => ({ seq, payload }))
  }

  everything(): StoredMessage[] {
    return this.messages.map(({ seq, payload }) => ({ seq, payload }))
  }

  close(): void {
    this.messages = []
  }
}
