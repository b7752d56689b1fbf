import type { HealthReport } from '../../operations/health.ts'
import { answers, array, object, text } from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'

export interface HealthRoutesOptions {
  health: () => HealthReport
  /** Whether callers without an identity see the reasons; false when the server is reachable from other machines. */
  showReasons?: () => boolean
}

const TAGS = ['operating']
const READINESS = object({ status: { enum: ['ready', 'degraded', 'unready'] }, reasons: array(text) })

/** `/healthz` (liveness) and `/readyz` (readiness). */
export function healthRoutes({ health, showReasons = () => true }: HealthRoutesOptions): Routes {
  return (app) => {
    const healthy = { 200: object({ status: text }) }
    app.get(
      '/healthz',
      {
        schema: {
          summary: 'Whether the process answers.',
          operationId: 'getHealth',
          tags: TAGS,
          response: answers(healthy),
        },
      },
      () => ({ status: 'ok' }),
    )
    const schema = {
      summary: 'Whether the gateway accepts messages.',
      operationId: 'getReadiness',
      tags: TAGS,
      response: answers({ 200: READINESS, 503: READINESS }),
    }
    app.get('/readyz', { schema }, ({ caller }, reply) => {
      const { ready, degraded, reasons } = health()
      const status = ready ? (degraded ? 'degraded' : 'ready') : 'unready'
      reply.code(ready ? 200 : 503)
      return { status, reasons: caller !== null || showReasons() ? reasons : [] }
    })
  }
}
