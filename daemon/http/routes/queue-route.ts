import type { QueuePort } from '../../operations/queue.ts'
import { audit } from '../server/caller.ts'
import { answers, array, integer, object } from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'

/** `GET /queue`, `DELETE /queue/{destination}`. */
export function queueRoute(queue: QueuePort): Routes {
  return (app) => {
    app.get(
      '/queue',
      {
        schema: {
          summary: 'The messages that wait for each destination, and the fill level of the store.',
          operationId: 'getQueue',
          tags: ['operating'],
          response: answers({ 200: object({ destinations: array({ type: 'object' }), store: { type: 'object' } }) }),
        },
      },
      () => queue.view(),
    )
    app.delete<{ Params: { destination: string } }>(
      '/queue/:destination',
      {
        config: { access: 'admin' },
        schema: {
          summary: 'Gives up every message that waits for a destination that is no longer configured.',
          operationId: 'discardQueue',
          tags: ['operating'],
          params: object({ destination: { type: 'string', minLength: 1, maxLength: 64 } }),
          response: answers({ 200: object({ discarded: integer }) }, 404, 409, 503),
        },
      },
      async (request) => {
        const { destination } = request.params
        const answer = await queue.discard(destination)
        audit(request, 'discard the queue', destination)
        return answer
      },
    )
  }
}
