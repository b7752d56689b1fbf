import type { JsonSchema } from '../../../daemon/asyncapi/contract/contract.ts'
import { MessageValidator } from '../../../daemon/asyncapi/messages/message-validator.ts'
import type { Verdict } from '../../../daemon/asyncapi/messages/payload-verdict.ts'
import { makeChannel, makeMessage } from '../make-channel.ts'

/** Judges a payload, given as a value or as bytes, on a channel with one message of this schema. */
export function judgePayload(schema: JsonSchema, payload: unknown, schemaFormat = ''): Verdict {
  const channel = makeChannel({ messages: [makeMessage('M', { payload: schema, schemaFormat })] })
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload))
  return new MessageValidator().validate(channel, bytes)
}
