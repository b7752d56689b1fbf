import { EdgeError } from './core/errors.ts'
import { tablePage } from './gateway-pages.ts'
import type { GatewayStatus } from './gateway-status.ts'
import type { SubscriptionPort, SubscriptionView } from './http/api-ports.ts'
import type { CallView } from './http/operating-ports.ts'
import type { OperatingPorts } from './http/operating-routes.ts'
import { page, type PageOrder } from './http/paging.ts'
import type { DocumentLists } from './manager/document-lists.ts'
import type { Callbacks } from './pipeline/callbacks.ts'
import type { ApiReader } from './store/api-reader.ts'
import type { CallRow, SubscriptionRow } from './store/registry-rows.ts'
import type { ProcessLogger } from './telemetry/logger.ts'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

const BY_CREATION: PageOrder<SubscriptionView> = {
  keyOf: ({ created_at, subscription_id }) => `${created_at}_${subscription_id}`,
  form: /^[0-9TZ:.-]{24}_/,
}

/** Subscriptions; one without a callback is only a name for its streams. */
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
      // One without a callback goes by the name of its channel; there is nothing of it to end.
      if (!lists.hasChannel(id)) throw new EdgeError('not-found', `There is no subscription ${id}.`)
    },
  }
}

export function callsPort(reader: ApiReader): OperatingPorts['calls'] {
  return ({ channel_id, message_id, status, ...request }) =>
    tablePage(
      request,
      { channel_id, message_id, status },
      (query) => reader.calls(query),
      (row) => row.rowid,
      callView,
    )
}

export function queuePort(status: GatewayStatus): OperatingPorts['queue'] {
  return () => status.queue()
}

type Level = (typeof LEVELS)[number]

export function logLevelPort(
  logger: ProcessLogger,
  initial: Level,
): OperatingPorts['logLevel'] & { reset: (level: Level) => void } {
  let current = initial
  return {
    /** The configuration was read again. */
    reset(level) {
      current = level
      logger.setLevel(level)
    },
    level: () => current,
    set(level) {
      const found = LEVELS.find((one) => one === level)
      if (found === undefined) throw new EdgeError('request-invalid', `${level} is no level.`)
      current = found
      logger.setLevel(found)
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

function callView(row: CallRow): CallView {
  return {
    id: row.id,
    channel_id: row.channel_id,
    message_id: row.message_id,
    operation_type: row.operation_type,
    payload: row.payload,
    headers: parsed(row.headers) as CallView['headers'],
    broker_response: parsed(row.broker_response),
    status: row.status,
    error_message: row.error_message,
    response_time_ms: row.response_time_ms,
    created_at: row.created_at,
  }
}

function parsed(text: string | null): unknown {
  return text === null ? null : JSON.parse(text)
}
