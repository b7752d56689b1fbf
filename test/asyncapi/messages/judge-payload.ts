import type { JsonSchema } from '../../../daemon/asyncapi/contract/contract.ts'
import { MessageValidator, type Verdict } from '../../../daemon/asyncapi/messages/message-validator.ts'
import { makeChannel, makeMessage } from '../make-channel.ts'

/** The verdict on a payload, a value or bytes, of a channel that has this one message. */
export function judgePayload(schema: JsonSchema, payload: unknown, schemaFormat = ''): Verdict {
  const channel = makeChannel({ messages: [makeMessage('M', { payload: schema, schemaFormat })] })
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload))
  return new MessageValidator().validate(channel, bytes)
}
