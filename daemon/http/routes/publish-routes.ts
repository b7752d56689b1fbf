import { EdgeError } from '../../core/errors.ts'
import type { PublishPort, PublishRequest, ValidateRequest } from '../../operations/publishing.ts'
import { callerOf } from '../server/caller.ts'
import { answers, array, id, input, nullableText, object, text, texts, VIOLATION } from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'

const TAGS = ['messages']
const BASE64 = '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'

const CONTENT = {
  payload: { description: 'Any JSON value; encoded by the content type of the message.' },
  message_data: { description: 'Another name for `payload`.' },
  payloadBase64: { type: 'string', pattern: BASE64, description: 'The payload as bytes, in base64.' },
  headers: texts,
  parameters: {
    ...texts,
    description: 'Parameters of the address; missing ones are taken from fields of the payload.',
  },
  message: {
    type: 'string',
    minLength: 1,
    maxLength: 255,
    description: 'Name of the message; the payload must match it.',
  },
} as const

type Given<Request> = Request & { message_data?: unknown }

/** `POST /messages/publish` and `/messages/validate`. */
export function publishRoutes(port: PublishPort): Routes {
  return (app) => {
    app.post<{ Body: Given<PublishRequest>; Headers: { 'idempotency-key'?: string } }>(
      '/messages/publish',
      {
        config: { access: 'publish', channel: 'body' },
        schema: {
          summary: 'Publishes a message on a channel, as a device does. Answers when the message is durable.',
          operationId: 'publishMessage',
          tags: TAGS,
          headers: {
            type: 'object',
            properties: { 'idempotency-key': { type: 'string', minLength: 1, maxLength: 255, pattern: '^[!-~]+$' } },
          },
          body: input({ channel_id: id, ...CONTENT }, ['channel_id']),
          response: answers({ 202: object({ id: text, topic: text }) }, 404, 413, 415, 422),
        },
      },
      async (request, reply) => {
        const answer = await port.publish(content(request.body), callerOf(request), request.headers['idempotency-key'])
        reply.code(202)
        return answer
      },
    )
    app.post<{ Body: Given<ValidateRequest> }>(
      '/messages/validate',
      {
        config: { channel: 'body' },
        schema: {
          summary: 'Returns what would happen to a message. Stores nothing.',
          operationId: 'validateMessage',
          tags: TAGS,
          body: input({ channel_id: id, topic: { type: 'string', minLength: 1, maxLength: 65_535 }, ...CONTENT }),
          response: answers(
            {
              200: object({
                valid: { type: 'boolean' },
                topic: text,
                document: nullableText,
                channel: nullableText,
                message: nullableText,
                destinations: array(object({ name: text, address: nullableText, key: nullableText })),
                code: nullableText,
                errors: array(VIOLATION),
              }),
            },
            404,
            413,
            415,
            422,
          ),
        },
      },
      (request) => port.validate(content(request.body)),
    )
  }
}

/** Normalises the three ways to give a payload. Throws `request-invalid` unless exactly one is used. */
function content<Request extends Given<Partial<PublishRequest>>>(body: Request): Omit<Request, 'message_data'> {
  const { message_data: data, ...rest } = body
  const given = [data, rest.payload, rest.payloadBase64].filter((one) => one !== undefined).length
  if (given !== 1)
    throw new EdgeError('request-invalid', 'Give exactly one of payload, message_data and payloadBase64.', {
      place: { field: 'payload' },
    })
  return data === undefined ? rest : { ...rest, payload: data }
}
