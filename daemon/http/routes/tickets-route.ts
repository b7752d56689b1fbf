import type { TicketStore } from '../../access/ticket-store.ts'
import { EdgeError } from '../../core/errors.ts'
import { callerOf } from '../server/caller.ts'
import { answers, input, object, text } from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'

/** `POST /tickets`: browsers cannot send an API key with a WebSocket or a stream, so they send a ticket. */
export function ticketsRoute(tickets: TicketStore, wallMs: () => number): Routes {
  return (app) => {
    app.post<{ Body: { path: string } }>(
      '/tickets',
      {
        schema: {
          summary: 'Issues a ticket for one use of one path within 30 s: append it as `?ticket=`.',
          operationId: 'createTicket',
          tags: ['messages'],
          body: input({ path: { type: 'string', maxLength: 1024, pattern: '^/[^?#]*$' } }, ['path']),
          response: answers({ 201: object({ ticket: text, expires_at: text }) }, 413, 415, 429),
        },
      },
      (request, reply) => {
        const issued = tickets.issue(request.body.path, callerOf(request))
        if (issued === undefined)
          throw new EdgeError('limit-reached', 'Too many tickets are unused: try again in 30 s.')
        reply.code(201)
        return { ticket: issued.ticket, expires_at: new Date(wallMs() + issued.lifeMs).toISOString() }
      },
    )
  }
}
