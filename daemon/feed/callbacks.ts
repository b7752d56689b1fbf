import { randomBytes, randomUUID } from 'node:crypto'
import { EdgeError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { isAllowed } from '../protocols/webhook/callback-target.ts'
import type { Op } from '../store/log/batch.ts'
import type { SubscriptionRow } from '../store/tables/subscriptions.ts'
import { Callback, type CallbackOptions } from './callback.ts'

export interface CallbacksOptions extends Omit<CallbackOptions, 'changed'> {
  rows: readonly SubscriptionRow[]
  /** Hosts that callbacks may name, from `http.callbacks.allow`. */
  allow: readonly string[]
  /** Id of the newest message: a new subscription begins behind it. */
  position: () => string
  put: (op: Op) => void
  /** As `put`; resolves when the operation is durable. */
  commit: (op: Op) => Promise<void>
  logger: Logger
}

const MAX_CALLBACKS = 1_000
const SAVE_EVERY_MS = 1_000
const MAX_URL = 2_048

/** Subscriptions with callbacks. They survive restarts: their progress is written every second, so a restart repeats at most that. */
export class Callbacks {
  private readonly options: CallbacksOptions
  private readonly byId = new Map<string, Callback>()
  /** Rows of subscriptions whose host is no longer allowed, as they were before: they go on when it is allowed again. */
  private readonly blocked = new Map<string, SubscriptionRow>()
  private allowed: readonly string[]
  private readonly dirty = new Set<string>()
  private readonly timer: NodeJS.Timeout

  constructor(options: CallbacksOptions) {
    this.options = options
    this.allowed = options.allow
    for (const row of options.rows) this.open(row)
    this.timer = setInterval(() => this.save(), SAVE_EVERY_MS).unref()
  }

  /** Replaces the allowed hosts: subscriptions to hosts that were removed stop, those to hosts that came back go on. */
  allow(hosts: readonly string[]): void {
    this.allowed = hosts
    for (const row of this.list()) {
      const blocked = this.blocked.get(row.id)
      if ((blocked === undefined && row.state === 'disabled') || this.isAllowed(row) === (blocked === undefined))
        continue
      this.byId.get(row.id)?.close()
      this.blocked.delete(row.id)
      this.open(blocked ?? row)
    }
  }

  list(): SubscriptionRow[] {
    return [...this.byId.values()].map((one) => one.row)
  }

  /** Resolves when the subscription is durable. The secret is returned here only. Throws `callback-refused`, `limit-reached`. */
  async create(channelId: string, callbackUrl: string): Promise<{ id: string; secret: string }> {
    const url = this.checked(callbackUrl)
    if (this.byId.size >= MAX_CALLBACKS)
      throw new EdgeError('limit-reached', `${MAX_CALLBACKS} subscriptions with callbacks are open.`)
    const row: SubscriptionRow = {
      id: randomUUID(),
      channel_id: channelId,
      callback_url: url.href,
      secret: `whsec_${randomBytes(32).toString('base64')}`,
      created_at: new Date(this.options.wallMs()).toISOString(),
      last_id: this.options.position(),
      delivered: 0,
      state: 'active',
      reason: null,
      failing_since: null,
      failing_running_ms: null,
    }
    await this.options.commit({ type: 'subscription', row })
    this.open(row)
    return { id: row.id, secret: row.secret }
  }

  /** Returns false for an unknown id. */
  async remove(id: string): Promise<boolean> {
    const found = this.byId.get(id)
    if (found === undefined) return false
    found.close()
    this.byId.delete(id)
    this.blocked.delete(id)
    this.dirty.delete(id)
    await this.options.commit({ type: 'subscription-delete', id })
    return true
  }

  stop(): void {
    clearInterval(this.timer)
    for (const one of this.byId.values()) one.close()
    this.save()
  }

  private open(row: SubscriptionRow): void {
    const { feed, post, attempted, wallMs, runningMs, random, logger } = this.options
    if (row.state !== 'disabled' && !this.isAllowed(row)) {
      this.blocked.set(row.id, row)
      logger.warn(
        { subject: row.id, url: row.callback_url },
        'a callback was stopped: its host is not allowed any more',
      )
      return this.open({ ...row, state: 'disabled', reason: 'http.callbacks.allow does not name its host any more' })
    }
    const changed = (next: SubscriptionRow): void => {
      const before = this.byId.get(next.id)?.row
      this.dirty.add(next.id)
      if (next.state === 'disabled' && before !== undefined)
        logger.warn({ subject: next.id, url: next.callback_url, reason: next.reason }, 'a callback was disabled')
    }
    this.byId.set(row.id, new Callback(row, { feed, post, attempted, wallMs, runningMs, random, changed }))
  }

  private isAllowed(row: SubscriptionRow): boolean {
    return URL.canParse(row.callback_url) && isAllowed(new URL(row.callback_url), this.allowed)
  }

  private checked(text: string): URL {
    const place = { field: 'callback_url' }
    if (text.length > MAX_URL || !URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
      throw new EdgeError('request-invalid', 'callback_url is no http or https address.', { place })
    const url = new URL(text)
    if (url.username !== '' || url.password !== '')
      throw new EdgeError('request-invalid', 'callback_url may not hold credentials.', { place })
    if (!isAllowed(url, this.allowed))
      throw new EdgeError('callback-refused', `http.callbacks.allow does not name ${url.host}.`, { place })
    return url
  }

  private save(): void {
    for (const id of this.dirty) {
      const row = this.blocked.get(id) ?? this.byId.get(id)?.row
      if (row !== undefined) this.options.put({ type: 'subscription', row })
    }
    this.dirty.clear()
  }
}
