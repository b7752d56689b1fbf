import { answers } from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'

/** `/metrics`, for Prometheus. */
export function metricsRoute(metrics: () => Promise<string>): Routes {
  return (app) => {
    const schema = {
      summary: 'Metrics in the text format of Prometheus.',
      operationId: 'getMetrics',
      tags: ['operating'],
      response: answers({
        200: { description: 'Metrics.', content: { 'text/plain': { schema: { type: 'string' } } } },
      }),
    }
    app.get('/metrics', { schema }, async (_request, reply) => {
      const text = await metrics()
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text)
    })
  }
}
