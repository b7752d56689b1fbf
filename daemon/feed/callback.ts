import { Backoff } from '../core/backoff.ts'
import type { CallbackAttempt, CallbackResult } from '../ports/callback.ts'
import type { Feed, FeedBatch, FeedGap, FeedMessage, FeedReader, FeedSubscription } from '../ports/feed.ts'
import type { SubscriptionRow } from '../store/tables/subscriptions.ts'
import { messageFrame } from './feed-json.ts'

export interface CallbackOptions {
  feed: Feed
  post: (url: URL, id: string, body: string, secret: string) => Promise<CallbackResult>
  /** Called after each change of the row. */
  changed: (row: SubscriptionRow) => void
  attempted: (attempt: CallbackAttempt) => void
  wallMs: () => number
  runningMs: () => number
  random: () => number
}

/** Messages that wait in memory; further ones are read from the log later. */
const MAX_WAITING = 64
const MIN_RETRY_MS = 1_000
const MAX_RETRY_MS = 300_000
const GIVE_UP_MS = 86_400_000

interface Waiting {
  id: string
  /** Undefined for a gap. */
  event: FeedMessage | undefined
  body: string
}

/** One subscription with a callback URL: posts every message of its channel, in order, one at a time. */
export class Callback implements FeedReader {
  row: SubscriptionRow
  private readonly options: CallbackOptions
  private readonly url: URL
  private readonly waiting: Waiting[] = []
  private readonly subscription: FeedSubscription | undefined
  private busy = false
  private readonly backoff: Backoff
  private timer: NodeJS.Timeout | undefined
  private closed = false

  constructor(row: SubscriptionRow, options: CallbackOptions) {
    this.row = row
    this.options = options
    this.url = new URL(row.callback_url)
    this.backoff = new Backoff(MIN_RETRY_MS, MAX_RETRY_MS, options.random)
    // A disabled subscription stays listed with its reason until it is removed.
    if (row.state === 'disabled') return
    const filter = { kinds: new Set(['message'] as const), channelId: row.channel_id }
    this.subscription = options.feed.subscribe(filter, row.last_id, this)
  }

  ready(): boolean {
    return this.waiting.length < MAX_WAITING
  }

  take(batch: FeedBatch): void {
    const bodies = batch.once('callback', (events) =>
      events.flatMap(({ kind, event }) => (kind === 'message' ? [[event, messageFrame(event)] as const] : [])),
    )
    for (const [event, body] of bodies) this.waiting.push({ id: event.id, event, body })
    void this.work()
  }

  gap({ after, missed, reason }: FeedGap): void {
    const body = JSON.stringify({ type: 'gap', after, missed, reason })
    this.waiting.push({ id: `gap:${after ?? ''}`, event: undefined, body })
    void this.work()
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
    this.subscription?.close()
  }

  private async work(): Promise<void> {
    if (this.busy || this.timer !== undefined || this.closed) return
    this.busy = true
    try {
      for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
        const result = await this.attempt(next)
        if (this.closed) return
        if (!result.delivered) return this.failed(result)
        this.waiting.shift()
        this.delivered(next)
      }
    } finally {
      this.busy = false
    }
    this.subscription?.resume()
  }

  private async attempt({ id, event, body }: Waiting): Promise<CallbackResult> {
    const startedAt = performance.now()
    const result = await this.options.post(this.url, id, body, this.row.secret)
    const { channel_id: channelId, callback_url: url } = this.row
    const tookMs = performance.now() - startedAt
    if (event !== undefined) this.options.attempted({ event, channelId, url, result, tookMs })
    return result
  }

  private delivered({ event }: Waiting): void {
    this.backoff.reset()
    const { row } = this
    const count = event === undefined ? row.delivered : row.delivered + 1
    this.change({
      state: 'active',
      reason: null,
      failing_since: null,
      failing_running_ms: null,
      last_id: event?.id ?? row.last_id,
      delivered: count,
    })
  }

  private failed({ gone, reason }: CallbackResult & { delivered: false }): void {
    const now = this.options.runningMs()
    const failing = {
      failing_since: this.row.failing_since ?? new Date(this.options.wallMs()).toISOString(),
      failing_running_ms: this.row.failing_running_ms ?? now,
    }
    if (gone || now - failing.failing_running_ms > GIVE_UP_MS) {
      this.change({ state: 'disabled', reason: gone ? reason : `${reason}, for a day`, ...failing })
      return this.close()
    }
    this.change({ state: 'retrying', reason, ...failing })
    this.timer = setTimeout(() => {
      this.timer = undefined
      void this.work()
    }, this.backoff.nextDelayMs()).unref()
  }

  private change(changes: Partial<SubscriptionRow>): void {
    this.row = { ...this.row, ...changes }
    this.options.changed(this.row)
  }
}
