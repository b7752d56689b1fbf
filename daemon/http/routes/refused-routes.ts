import type { DeadLetterView } from '../../operations/dead-letters.ts'
import type { QuarantineView } from '../../operations/quarantine.ts'
import type { RefusedPort } from '../../operations/refused.ts'
import { audit, callerOf } from '../server/caller.ts'
import { PAGE_QUERY, pageOf, pageRequest } from '../server/paging.ts'
import {
  answers,
  anything,
  array,
  id,
  input,
  NO_CONTENT,
  nullableText,
  object,
  text,
  texts,
  VIOLATION,
} from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'

const COMMON = {
  id: text,
  topic: text,
  client_id: text,
  code: text,
  headers: texts,
  payload: anything,
  payloadBase64: nullableText,
  at: text,
}
const QUARANTINED = object({ ...COMMON, errors: array(VIOLATION), document: nullableText, message: nullableText })
const DEAD_LETTER = object({ ...COMMON, destination: text, message_id: text, address: text, answer: text })
const FILTERS = { topic: { type: 'string', maxLength: 65_535 }, client_id: { type: 'string', maxLength: 65_535 } }

export function quarantineRoutes(port: RefusedPort<QuarantineView>): Routes {
  return refusedRoutes('quarantine', 'Quarantined', 'messages that the gateway refused', QUARANTINED, {}, port)
}

export function deadLetterRoutes(port: RefusedPort<DeadLetterView>): Routes {
  const filter = { destination: { type: 'string', maxLength: 64 } }
  return refusedRoutes(
    'deadletters',
    'DeadLetter',
    'messages that a destination refused permanently',
    DEAD_LETTER,
    filter,
    port,
  )
}

function refusedRoutes<View>(
  name: string,
  operation: string,
  what: string,
  view: object,
  filters: Record<string, object>,
  port: RefusedPort<View>,
): Routes {
  const params = { type: 'object', properties: { id }, required: ['id'] }
  const tags = [name]
  return (app) => {
    app.get<{ Querystring: Record<string, string> }>(
      `/${name}`,
      {
        config: { access: 'admin' },
        schema: {
          summary: `The ${what}, newest first.`,
          operationId: `list${operation}`,
          tags,
          querystring: input({ ...PAGE_QUERY, ...FILTERS, ...filters }),
          response: answers({ 200: pageOf(view) }, 404),
        },
      },
      ({ query }) => port.list({ ...query, ...pageRequest(query) }),
    )
    app.get<{ Params: { id: string } }>(
      `/${name}/:id`,
      {
        config: { access: 'admin' },
        schema: {
          summary: 'One message.',
          operationId: `get${operation}`,
          tags,
          params,
          response: answers({ 200: view }, 404),
        },
      },
      ({ params: { id: wanted } }) => port.get(wanted),
    )
    app.post<{ Params: { id: string } }>(
      `/${name}/:id/replay`,
      {
        config: { access: 'admin' },
        schema: {
          summary:
            'Publishes the message again, or sends it to its destination again; it leaves the list in the same commit.',
          operationId: `replay${operation}`,
          tags,
          params,
          response: answers({ 202: object({ id: text }) }, 404, 413, 415, 422),
        },
      },
      async (request, reply) => {
        const answer = await port.replay(request.params.id, callerOf(request))
        audit(request, `replay ${name}`, request.params.id)
        reply.code(202)
        return answer
      },
    )
    app.delete<{ Params: { id: string } }>(
      `/${name}/:id`,
      {
        config: { access: 'admin' },
        schema: {
          summary: 'Deletes the message.',
          operationId: `discard${operation}`,
          tags,
          params,
          response: answers({ 204: NO_CONTENT }, 404, 413, 415),
        },
      },
      async (request, reply) => {
        await port.discard(request.params.id, callerOf(request))
        audit(request, `discard ${name}`, request.params.id)
        return reply.code(204).send()
      },
    )
  }
}
