import { EdgeError, messageOf } from '../../core/errors.ts'
import type { ContractMessage } from '../contract/contract.ts'
import { encodeCbor, isCborType } from '../formats/cbor-format.ts'
import { isJsonType, mediaType } from '../formats/payload-format.ts'
import type { PayloadCodec } from '../formats/schema-language.ts'
import { SchemaMismatch } from '../formats/schema-mismatch.ts'
import { compileCodec, languageOf } from './message-check.ts'

/** Codecs of messages that were published, for as long as their contract is held by somebody. */
const codecs = new WeakMap<ContractMessage, PayloadCodec>()

/**
 * The bytes of a value, as the message's content type and schema say: JSON, text, CBOR, Avro or Protobuf. Bytes stay
 * what they are; a value that is not a text, on a channel of texts or bytes, is sent as JSON. The schema is not checked
 * here but where the encoding needs it. Throws EdgeError `payload-invalid`.
 */
export function encodePayload(message: ContractMessage, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  const type = mediaType(message)
  const codec = codecOf(message)
  if (codec !== undefined) return encodeBySchema(codec, value)
  if (isCborType(type)) return encoded(() => encodeCbor(value))
  if (!isJsonType(type) && type.startsWith('text/') && typeof value === 'string') return Buffer.from(value)
  return encoded(() => {
    const text = JSON.stringify(value)
    // undefined and functions have no JSON.
    if (typeof text !== 'string') throw new TypeError('no value is given')
    return Buffer.from(text)
  })
}

function codecOf(message: ContractMessage): PayloadCodec | undefined {
  const known = codecs.get(message)
  if (known !== undefined) return known
  const language = message.payload === undefined ? undefined : languageOf(message.schemaFormat)
  if (language === undefined || message.payload === undefined) return undefined
  const { payload } = message
  try {
    const codec = compileCodec(language, message, payload)
    codecs.set(message, codec)
    return codec
  } catch (error) {
    const hint = 'Send the bytes themselves: the schema of the message cannot be used.'
    throw new EdgeError('payload-invalid', messageOf(error).slice(0, 300), { cause: error, hint })
  }
}

function encodeBySchema(codec: PayloadCodec, value: unknown): Uint8Array {
  try {
    return codec.encode(value)
  } catch (error) {
    if (!(error instanceof SchemaMismatch) && !(error instanceof RangeError)) throw error
    const field = error instanceof SchemaMismatch ? error.pointer : ''
    throw new EdgeError('payload-invalid', `The payload cannot be encoded: ${error.message}.`, {
      cause: error,
      place: { field },
    })
  }
}

function encoded(encode: () => Uint8Array): Uint8Array {
  try {
    return encode()
  } catch (error) {
    throw new EdgeError('payload-invalid', `The payload cannot be encoded: ${messageOf(error)}.`, { cause: error })
  }
}
