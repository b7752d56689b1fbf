import type { ConnectionsStatus } from './ports.ts'
import type { Routes } from './server.ts'

/** `GET /connections/status`: who is connected to us, and to whom we are. */
export function connectionsRoute(connections: () => ConnectionsStatus): Routes {
  return (app) => {
    app.get('/connections/status', () => connections())
  }
}
