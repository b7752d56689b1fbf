import type { RegistryPort } from '../../operations/registry.ts'
import { PAGE_QUERY, pageOf, pageRequest } from '../server/paging.ts'
import { answers, anything, array, CHANNEL, id, input, object, text } from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'

const TAGS = ['channels']

/** `/channels`, and the schemas of their messages. */
export function channelsRoutes(registry: RegistryPort): Routes {
  return (app) => {
    app.get<{ Querystring: Record<string, string> }>(
      '/channels',
      {
        schema: {
          summary: 'The channels in force, or those of one document version.',
          operationId: 'listChannels',
          tags: TAGS,
          querystring: input({ ...PAGE_QUERY, asyncapi_document_id: id }),
          response: answers({ 200: pageOf(CHANNEL) }, 404),
        },
      },
      ({ query }) => {
        const { asyncapi_document_id } = query
        return registry.channels({
          ...pageRequest(query),
          ...(asyncapi_document_id === undefined ? {} : { asyncapi_document_id }),
        })
      },
    )
    app.get<{ Params: { id: string } }>(
      '/channels/:id',
      {
        config: { channel: 'path' },
        schema: {
          summary: 'A channel in force.',
          operationId: 'getChannel',
          tags: TAGS,
          params: { type: 'object', properties: { id }, required: ['id'] },
          response: answers({ 200: CHANNEL }, 404),
        },
      },
      ({ params }) => registry.channel(params.id),
    )
    app.get<{ Params: { message_id: string } }>(
      '/messages/:message_id/schema',
      {
        schema: {
          summary: 'The schemas of payload and headers of a message.',
          operationId: 'getMessageSchema',
          tags: TAGS,
          params: { type: 'object', properties: { message_id: id }, required: ['message_id'] },
          response: answers(
            {
              200: object({
                id: text,
                message_name: text,
                channel_id: text,
                content_type: text,
                schema_format: text,
                payload_schema: anything,
                headers_schema: anything,
                examples: array({ type: 'object' }),
              }),
            },
            404,
          ),
        },
      },
      ({ params }) => registry.schema(params.message_id),
    )
  }
}
