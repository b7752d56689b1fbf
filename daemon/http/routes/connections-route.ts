import type { ConnectionsStatus } from '../../operations/connections.ts'
import { answers, array, object } from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'

/** `GET /connections/status`: who is connected to us, and to whom we are. */
export function connectionsRoute(connections: () => ConnectionsStatus): Routes {
  return (app) => {
    const objects = array({ type: 'object' })
    const schema = {
      summary: 'Who is connected to this gateway, and to whom it is.',
      operationId: 'getConnectionsStatus',
      tags: ['operating'],
      response: answers({
        200: object({
          broker: { type: 'object' },
          devices: objects,
          upstreams: objects,
          sensors: objects,
          streams: objects,
        }),
      }),
    }
    app.get('/connections/status', { schema }, () => connections())
  }
}
