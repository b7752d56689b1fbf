import type {
  Feed,
  FeedEvent,
  FeedFilter,
  FeedMessage,
  FeedReader,
  FeedSubscription,
} from '../../../daemon/ports/feed.ts'
import { waitUntil } from '../../servers/wait-until.ts'

interface Subscribed {
  filter: FeedFilter
  from: string | null
  reader: FeedReader
  resumed: number
}

/** A feed whose events come from the test. */
export class FakeFeed implements Feed {
  readonly subscribed: Subscribed[] = []

  subscribe(filter: FeedFilter, from: string | null, reader: FeedReader): FeedSubscription {
    const one: Subscribed = { filter, from, reader, resumed: 0 }
    this.subscribed.push(one)
    return {
      id: String(this.subscribed.length),
      resume: () => void one.resumed++,
      close: () => void this.subscribed.splice(this.subscribed.indexOf(one), 1),
    }
  }

  /** Sends events to every reader that is ready, in one shared batch. Returns the number of these readers. */
  emit(...events: FeedEvent[]): number {
    const made = new Map<string, unknown>()
    const batch = {
      events,
      once<Value>(name: string, make: (all: readonly FeedEvent[]) => Value): Value {
        if (!made.has(name)) made.set(name, make(events))
        return made.get(name) as Value
      },
    }
    const ready = this.subscribed.filter(({ reader }) => reader.ready())
    for (const { reader } of ready) reader.take(batch)
    return ready.length
  }

  /** Sends large messages until no more than this number of readers accept more. */
  async flood(readers: number): Promise<void> {
    const payload = Buffer.from(JSON.stringify({ text: 'x'.repeat(60_000) }))
    let taken = Infinity
    let seq = 0
    await waitUntil(
      () => `only ${readers} take more, not ${taken}`,
      async () => {
        taken = this.emit(feedMessage(++seq, { payload }))
        await new Promise((resolve) => setImmediate(resolve))
        return taken <= readers
      },
    )
  }
}

export function feedMessage(seq: number, more: Partial<FeedMessage> = {}): FeedEvent {
  const event = {
    id: `gw:store:${seq}`,
    seq,
    topic: 'device/1/data',
    clientId: 'c',
    payload: Buffer.from(`{"n":${seq}}`),
    contentType: 'application/json',
    headers: {},
    receivedAt: '2026-01-01T00:00:00.000Z',
    channelIds: ['channel'],
    document: 'd@1',
    message: 'm',
    ...more,
  }
  return { kind: 'message', event }
}
