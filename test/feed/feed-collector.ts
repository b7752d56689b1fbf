import type { FeedBatch, FeedEvent, FeedGap, FeedKind, FeedReader } from '../../daemon/ports/feed.ts'
import { waitUntil } from '../servers/wait-until.ts'

/** A reader that can be told to take nothing. */
export class Collector implements FeedReader {
  readonly seqs: number[] = []
  readonly kinds: FeedKind[] = []
  readonly gaps: FeedGap[] = []
  readonly batches: FeedBatch[] = []
  open = true

  ready(): boolean {
    return this.open
  }

  take(taken: FeedBatch): void {
    this.batches.push(taken)
    for (const one of taken.events) this.note(one)
  }

  gap(gap: FeedGap): void {
    this.gaps.push(gap)
  }

  private note(one: FeedEvent): void {
    this.kinds.push(one.kind)
    if (one.kind === 'message') this.seqs.push(one.event.seq)
  }
}

export async function has(reader: Collector, count: number): Promise<void> {
  await waitUntil(
    () => `${count} messages, not ${reader.seqs.length}`,
    () => reader.seqs.length >= count,
  )
}
