import { EdgeError } from '../../core/errors.ts'
import { parseDuration } from '../../core/units.ts'
import type { StatisticsPort } from '../../operations/statistics.ts'
import { answers, array, id, input, integer, object, text } from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'

const MIN_WINDOW_MS = 60_000
const MAX_WINDOW_MS = 7 * 86_400_000

/** `GET /messages/statistics`. */
export function statisticsRoute(statistics: StatisticsPort): Routes {
  return (app) => {
    app.get<{ Querystring: { window?: string; channel_id?: string } }>(
      '/messages/statistics',
      {
        config: { channel: 'query' },
        schema: {
          summary:
            'Statistics of a time window that ends now: in total, per channel and per connection, with a series for charts.',
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
          throw new EdgeError('request-invalid', 'The window must be 1m to 7d.', { place: { field: 'window' } })
        return statistics.read({
          windowMs,
          ...(query.channel_id === undefined ? {} : { channel_id: query.channel_id }),
        })
      },
    )
  }
}
