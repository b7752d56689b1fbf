import type { ConnectionsStatus } from '../../operations/connections.ts'
import { answers, array, object } from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'

/** `GET /connections/status`. */
export function connectionsRoute(connections: () => ConnectionsStatus): Routes {
  return (app) => {
    const objects = array({ type: 'object' })
    const schema = {
      summary: 'The connections of devices, upstreams, sensors and streams.',
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
