import type { HealthReport } from './ports.ts'
import type { Routes } from './server.ts'

export interface HealthRoutesOptions {
  health: () => HealthReport
  /** False once anybody beyond this machine may ask: they learn whether, not why. */
  showReasons?: () => boolean
}

/** `/healthz`: does the process answer? `/readyz`: does it take messages? */
export function healthRoutes({ health, showReasons = () => true }: HealthRoutesOptions): Routes {
  return (app) => {
    app.get('/healthz', () => ({ status: 'ok' }))
    app.get('/readyz', (_request, reply) => {
      const { ready, degraded, reasons } = health()
      const status = ready ? (degraded ? 'degraded' : 'ready') : 'unready'
      reply.code(ready ? 200 : 503)
      return { status, reasons: showReasons() ? reasons : [] }
    })
  }
}
