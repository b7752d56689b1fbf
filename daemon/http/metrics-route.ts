import type { Routes } from './server.ts'

/** `/metrics`, for Prometheus. */
export function metricsRoute(metrics: () => Promise<string>): Routes {
  return (app) => {
    app.get('/metrics', async (_request, reply) => {
      const text = await metrics()
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text)
    })
  }
}
