import type { FastifyRequest } from 'fastify'
import type { SubscriptionPort } from '../../operations/subscriptions.ts'
import { callerOf } from '../server/caller.ts'
import { PAGE_QUERY, pageOf, pageRequest } from '../server/paging.ts'
import { answers, id, input, integer, NO_CONTENT, nullableText, object, text } from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'

const TAGS = ['subscriptions']

const SUBSCRIPTION = object({
  subscription_id: text,
  channel_id: text,
  callback_url: nullableText,
  state: { enum: ['active', 'retrying', 'disabled'] },
  reason: nullableText,
  delivered: integer,
  last_delivered_id: nullableText,
  created_at: text,
})

/** `POST /messages/subscribe` and `/subscriptions`. */
export function subscriptionsRoutes(port: SubscriptionPort): Routes {
  return (app) => {
    app.post<{ Body: { channel_id: string; callback_url?: string } }>(
      '/messages/subscribe',
      {
        config: { channel: 'body' },
        schema: {
          summary:
            'Subscribes to a channel: returns the URLs of a WebSocket and a stream; a callback URL receives each message.',
          operationId: 'subscribeToChannel',
          tags: TAGS,
          body: input({ channel_id: id, callback_url: { type: 'string', minLength: 1, maxLength: 2048 } }, [
            'channel_id',
          ]),
          response: answers(
            {
              201: object({ subscription_id: text, websocket_url: text, stream_url: text, secret: text }, [
                'subscription_id',
                'websocket_url',
                'stream_url',
              ]),
            },
            404,
            413,
            415,
            422,
            429,
          ),
        },
      },
      async (request, reply) => {
        const { channel_id: channelId } = request.body
        const created = await port.create(request.body, callerOf(request))
        const host = hostOf(request)
        const secure = request.protocol === 'https' ? 's' : ''
        reply.code(201)
        return {
          ...created,
          websocket_url: `ws${secure}://${host}/ws/${channelId}`,
          stream_url: `http${secure}://${host}/messages/stream?channel_id=${channelId}`,
        }
      },
    )
    app.get<{ Querystring: Record<string, string> }>(
      '/subscriptions',
      {
        schema: {
          summary: 'The subscriptions with callbacks, and their state.',
          operationId: 'listSubscriptions',
          tags: TAGS,
          querystring: input(PAGE_QUERY),
          response: answers({ 200: pageOf(SUBSCRIPTION) }),
        },
      },
      ({ query }) => port.list(pageRequest(query)),
    )
    app.delete<{ Params: { id: string } }>(
      '/subscriptions/:id',
      {
        schema: {
          summary: 'Ends a subscription.',
          operationId: 'deleteSubscription',
          tags: TAGS,
          params: { type: 'object', properties: { id }, required: ['id'] },
          response: answers({ 204: NO_CONTENT }, 404, 413, 415),
        },
      },
      async (request, reply) => {
        await port.remove(request.params.id)
        return reply.code(204).send()
      },
    )
  }
}

function hostOf(request: FastifyRequest): string {
  return request.headers.host ?? request.host
}
