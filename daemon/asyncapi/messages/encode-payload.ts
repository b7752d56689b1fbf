import { EdgeError, messageOf } from '../../core/errors.ts'
import type { ContractMessage } from '../contract/contract.ts'
import { encodeCbor, isCborType } from '../formats/cbor-format.ts'
import { isJsonType, mediaType } from '../formats/payload-format.ts'
import { type PayloadCodec, SchemaMismatch } from '../formats/schema-language.ts'
import { compileCodec, languageOf } from './message-check.ts'

/** Codecs of published messages; weak, so that a codec is dropped with its contract. */
const codecs = new WeakMap<ContractMessage, PayloadCodec>()

/**
 * Encodes a value by the content type and schema of the message: JSON, text, CBOR, Avro or Protobuf. Bytes stay as they
 * are; other values on a channel of texts or bytes are sent as JSON, strings on a channel of texts as text. The schema is
 * checked only as far as the encoding needs it. Throws EdgeError `payload-invalid`.
 */
export function encodePayload(message: ContractMessage, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  const type = mediaType(message)
  const codec = codecOf(message)
  if (codec !== undefined) return encodeBySchema(codec, value)
  if (isCborType(type)) return encodeOrRefuse(() => encodeCbor(value))
  if (!isJsonType(type) && type.startsWith('text/') && typeof value === 'string') return Buffer.from(value)
  return encodeOrRefuse(() => {
    const text = JSON.stringify(value)
    // JSON.stringify returns undefined for undefined and for functions.
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
    const hint = 'Send the encoded bytes as payloadBase64, or correct the schema of the message.'
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

function encodeOrRefuse(encode: () => Uint8Array): Uint8Array {
  try {
    return encode()
  } catch (error) {
    throw new EdgeError('payload-invalid', `The payload cannot be encoded: ${messageOf(error)}.`, { cause: error })
  }
}
