import { EdgeError } from '../../core/errors.ts'
import { LOG_LEVELS } from '../../core/logger.ts'
import { parseDuration } from '../../core/units.ts'
import type { CallsPort } from '../../operations/calls.ts'
import type { QueueView } from '../../operations/connections.ts'
import type { LogLevelPort } from '../../operations/log-level.ts'
import type { StatisticsPort } from '../../operations/statistics.ts'
import { audit, callerOf } from '../server/caller.ts'
import { pageRequest } from '../server/paging.ts'
import {
  answers,
  anything,
  array,
  id,
  input,
  integer,
  nullableNumber,
  nullableText,
  object,
  PAGE_QUERY,
  pageOf,
  text,
} from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'

export interface OperatingPorts {
  statistics: StatisticsPort
  calls: CallsPort
  queue: () => QueueView
  logLevel: LogLevelPort
}

const MIN_WINDOW_MS = 60_000
const MAX_WINDOW_MS = 7 * 86_400_000

const CALL = object({
  id: text,
  channel_id: text,
  message_id: text,
  operation_type: text,
  payload: nullableText,
  headers: anything,
  broker_response: anything,
  status: text,
  error_message: nullableText,
  response_time_ms: nullableNumber,
  created_at: text,
})

/** Statistics, the log of calls, queues, and the log's level. */
export function operatingRoutes({ statistics, calls, queue, logLevel }: OperatingPorts): Routes {
  return (app) => {
    app.get<{ Querystring: { window?: string; channel_id?: string } }>(
      '/messages/statistics',
      {
        config: { channel: 'query' },
        schema: {
          summary:
            'Figures of a window that ends now: in all, per channel and per connection, with a series for charts.',
          operationId: 'getStatistics',
          tags: ['operating'],
          querystring: input({
            window: { type: 'string', pattern: '^[0-9]{1,6}[smhd]$', description: '1m to 7d; default 1h.' },
            channel_id: id,
          }),
          response: answers({
            200: object({
              window: text,
              from: text,
              to: text,
              totals: { type: 'object' },
              channels: array({ type: 'object' }),
              connections: array({ type: 'object' }),
              series: object({ step: integer, points: array({ type: 'object' }) }),
            }),
          }),
        },
      },
      ({ query }) => {
        const windowMs = parseDuration(query.window ?? '1h') ?? 0
        if (windowMs < MIN_WINDOW_MS || windowMs > MAX_WINDOW_MS)
          throw new EdgeError('request-invalid', 'The window is 1m to 7d.', { place: { field: 'window' } })
        return statistics.read({
          windowMs,
          ...(query.channel_id === undefined ? {} : { channel_id: query.channel_id }),
        })
      },
    )
    app.get<{ Querystring: Record<string, string> }>(
      '/calls',
      {
        config: { access: 'admin', channel: 'query' },
        schema: {
          summary: 'The log of calls, the newest first.',
          operationId: 'listCalls',
          tags: ['operating'],
          querystring: input({
            ...PAGE_QUERY,
            channel_id: id,
            message_id: id,
            status: { enum: ['accepted', 'invalid', 'rejected', 'failed'] },
          }),
          response: answers({ 200: pageOf(CALL) }, 404),
        },
      },
      ({ query }) => calls({ ...query, ...pageRequest(query) }),
    )
    app.get(
      '/queue',
      {
        schema: {
          summary: 'What waits for each destination, and how full the store is.',
          operationId: 'getQueue',
          tags: ['operating'],
          response: answers({ 200: object({ destinations: array({ type: 'object' }), store: { type: 'object' } }) }),
        },
      },
      () => queue(),
    )
    app.get(
      '/log/level',
      {
        schema: {
          summary: 'The least that is logged.',
          operationId: 'getLogLevel',
          tags: ['operating'],
          response: answers({ 200: object({ level: text }) }),
        },
      },
      () => ({ level: logLevel.level() }),
    )
    app.put<{ Body: { level: string } }>(
      '/log/level',
      {
        config: { access: 'admin' },
        schema: {
          summary: 'Changes it until the next start or reload.',
          operationId: 'setLogLevel',
          tags: ['operating'],
          body: input({ level: { enum: LOG_LEVELS } }, ['level']),
          response: answers({ 200: object({ level: text }) }, 413, 415),
        },
      },
      (request) => {
        const { level } = request.body
        logLevel.set(level, callerOf(request))
        audit(request, 'log level', level)
        return { level }
      },
    )
  }
}
