import { EdgeError } from '../core/errors.ts'
import type { Callbacks } from '../feed/callbacks.ts'
import type { DocumentLists } from '../manager/document-lists.ts'
import type { Caller } from '../ports/identity.ts'
import type { SubscriptionRow } from '../store/tables/subscriptions.ts'
import { page, type Page, type PageOrder, type PageRequest } from './paging.ts'

export interface SubscriptionView {
  subscription_id: string
  channel_id: string
  callback_url: string | null
  /** active, retrying, disabled. */
  state: string
  /** Why the subscription is retrying or disabled. */
  reason: string | null
  delivered: number
  last_delivered_id: string | null
  created_at: string
}

export interface SubscriptionPort {
  /** `secret` is present for a callback only, and returned here only. Throws `not-found`, `callback-refused`, `limit-reached`. */
  create(
    request: { channel_id: string; callback_url?: string },
    caller: Caller,
  ): Promise<{ subscription_id: string; secret?: string }>
  list(page: PageRequest): Page<SubscriptionView>
  remove(id: string): Promise<void>
}

const BY_CREATION: PageOrder<SubscriptionView> = {
  keyOf: ({ created_at, subscription_id }) => `${created_at}_${subscription_id}`,
  form: /^[0-9TZ:.-]{24}_/,
}

/** Subscriptions over the API. One without a callback is only a name for the streams of its channel. */
export function subscriptionPort(callbacks: Callbacks, lists: DocumentLists): SubscriptionPort {
  return {
    async create({ channel_id: channelId, callback_url: callbackUrl }) {
      lists.channel(channelId)
      if (callbackUrl === undefined) return { subscription_id: channelId }
      const { id, secret } = await callbacks.create(channelId, callbackUrl)
      return { subscription_id: id, secret }
    },
    list: (request) => page(callbacks.list().map(subscriptionView), BY_CREATION, request),
    async remove(id) {
      if (await callbacks.remove(id)) return
      // The id of a subscription without a callback is its channel; nothing has to be ended.
      if (!lists.hasChannel(id)) throw new EdgeError('not-found', `There is no subscription ${id}.`)
    },
  }
}

function subscriptionView(row: SubscriptionRow): SubscriptionView {
  return {
    subscription_id: row.id,
    channel_id: row.channel_id,
    callback_url: row.callback_url,
    state: row.state,
    reason: row.reason,
    delivered: row.delivered,
    last_delivered_id: row.last_id,
    created_at: row.created_at,
  }
}
