import { randomBytes, randomUUID } from 'node:crypto'
import { EdgeError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Op } from '../store/batch.ts'
import type { SubscriptionRow } from '../store/registry-rows.ts'
import { Callback, type CallbackOptions } from './callback.ts'
import { isAllowed } from './callback-target.ts'

export interface CallbacksOptions extends Omit<CallbackOptions, 'changed'> {
  rows: readonly SubscriptionRow[]
  /** Hosts that may be named: `http.callbacks.allow`. */
  allow: readonly string[]
  /** The id behind which what arrives from now on comes. */
  position: () => string
  put: (op: Op) => void
  /** As put; resolves when it is durable. */
  commit: (op: Op) => Promise<void>
  logger: Logger
}

const MAX_CALLBACKS = 1_000
const SAVE_EVERY_MS = 1_000
const MAX_URL = 2_048

/** Subscriptions with callbacks. They survive restarts: what each has been given is kept, a second late at most. */
export class Callbacks {
  private readonly options: CallbacksOptions
  private readonly byId = new Map<string, Callback>()
  private readonly dirty = new Set<string>()
  private readonly timer: NodeJS.Timeout

  constructor(options: CallbacksOptions) {
    this.options = options
    for (const row of options.rows) this.open(row)
    this.timer = setInterval(() => this.save(), SAVE_EVERY_MS).unref()
  }

  list(): SubscriptionRow[] {
    return [...this.byId.values()].map((one) => one.row)
  }

  /** Resolves when it is durable. The secret is told here and never again. Throws `callback-refused`, `limit-reached`. */
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
    }
    await this.options.commit({ type: 'subscription', row })
    this.open(row)
    return { id: row.id, secret: row.secret }
  }

  /** False where there is none. */
  async remove(id: string): Promise<boolean> {
    const found = this.byId.get(id)
    if (found === undefined) return false
    found.close()
    this.byId.delete(id)
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
    const { feed, post, wallMs, random, logger } = this.options
    const disabled = row.state === 'disabled'
    if (!disabled && !this.isStillAllowed(row))
      return this.open({ ...row, state: 'disabled', reason: 'http.callbacks.allow does not name its host any more' })
    const changed = (next: SubscriptionRow): void => {
      const before = this.byId.get(next.id)?.row
      this.dirty.add(next.id)
      if (next.state === 'disabled' && before !== undefined)
        logger.warn({ subscription: next.id, reason: next.reason }, 'a callback was disabled')
    }
    this.byId.set(row.id, new Callback(row, { feed, post, wallMs, random, changed }))
  }

  private isStillAllowed(row: SubscriptionRow): boolean {
    return URL.canParse(row.callback_url) && isAllowed(new URL(row.callback_url), this.options.allow)
  }

  private checked(text: string): URL {
    const place = { field: 'callback_url' }
    if (text.length > MAX_URL || !URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
      throw new EdgeError('request-invalid', 'callback_url is no http or https address.', { place })
    const url = new URL(text)
    if (url.username !== '' || url.password !== '')
      throw new EdgeError('request-invalid', 'callback_url may not hold credentials.', { place })
    if (!isAllowed(url, this.options.allow))
      throw new EdgeError('callback-refused', `http.callbacks.allow does not name ${url.host}.`, { place })
    return url
  }

  private save(): void {
    for (const id of this.dirty) {
      const row = this.byId.get(id)?.row
      if (row !== undefined) this.options.put({ type: 'subscription', row })
    }
    this.dirty.clear()
  }
}
