import type { HealthReport } from '../../operations/health.ts'
import { answers, array, object, text } from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'

export interface HealthRoutesOptions {
  health: () => HealthReport
  /** False once anybody beyond this machine may ask: who is not known learns whether, not why. */
  showReasons?: () => boolean
}

const TAGS = ['operating']
const READINESS = object({ status: { enum: ['ready', 'degraded', 'unready'] }, reasons: array(text) })

/** `/healthz`: does the process answer? `/readyz`: does it take messages? */
export function healthRoutes({ health, showReasons = () => true }: HealthRoutesOptions): Routes {
  return (app) => {
    const healthy = { 200: object({ status: text }) }
    app.get(
      '/healthz',
      {
        schema: {
          summary: 'Does the process answer?',
          operationId: 'getHealth',
          tags: TAGS,
          response: answers(healthy),
        },
      },
      () => ({ status: 'ok' }),
    )
    const schema = {
      summary: 'Does it take messages?',
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
