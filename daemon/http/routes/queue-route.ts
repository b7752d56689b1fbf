import type { QueueView } from '../../operations/connections.ts'
import { answers, array, object } from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'

/** `GET /queue`. */
export function queueRoute(queue: () => QueueView): Routes {
  return (app) => {
    const schema = {
      summary: 'The messages that wait for each destination, and the fill level of the store.',
      operationId: 'getQueue',
      tags: ['operating'],
      response: answers({ 200: object({ destinations: array({ type: 'object' }), store: { type: 'object' } }) }),
    }
    app.get('/queue', { schema }, () => queue())
  }
}
