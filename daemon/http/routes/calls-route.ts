import type { CallsPort } from '../../operations/calls.ts'
import { PAGE_QUERY, pageOf, pageRequest } from '../server/paging.ts'
import { answers, anything, id, input, nullableNumber, nullableText, object, text } from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'

const CALL = object({
  id: text,
  channel_id: text,
  message_id: text,
  operation_type: text,
  payload: nullableText,
  headers: anything,
  broker_response: anything,
  status: text,
  error_message: nullableText,
  response_time_ms: nullableNumber,
  created_at: text,
})

/** `GET /calls`: the call log. */
export function callsRoute(calls: CallsPort): Routes {
  return (app) => {
    app.get<{ Querystring: Record<string, string> }>(
      '/calls',
      {
        config: { access: 'admin', channel: 'query' },
        schema: {
          summary: 'The call log, newest first.',
          operationId: 'listCalls',
          tags: ['operating'],
          querystring: input({
            ...PAGE_QUERY,
            channel_id: id,
            message_id: id,
            status: { enum: ['success', 'error'] },
          }),
          response: answers({ 200: pageOf(CALL) }, 404),
        },
      },
      ({ query }) => calls({ ...query, ...pageRequest(query) }),
    )
  }
}
