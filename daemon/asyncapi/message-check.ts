import type { Headers, Violation } from '../core/message.ts'
import type { ContractMessage } from './contract.ts'
import { binaryFormat, jsonFormat, mediaType, textFormat, type PayloadFormat } from './payload-format.ts'
import type { CompiledSchema, SchemaCompiler } from './schema-compiler.ts'

/** A message of a contract, ready to be held against payloads. */
export interface MessageCheck {
  readonly message: ContractMessage
  readonly format: PayloadFormat
  /** undefined: any payload. */
  readonly payload: CompiledSchema | undefined
  readonly headers: CompiledSchema | undefined
  /** Why the payload passes unchecked although the document describes it. */
  readonly unchecked: string | undefined
}

export const DEFAULT_FORMATS: readonly PayloadFormat[] = [jsonFormat(), textFormat, binaryFormat]

/** Compiles one message; a schema that cannot be used leaves it unchecked and says why. */
export function compileMessage(
  message: ContractMessage,
  compiler: SchemaCompiler,
  formats: readonly PayloadFormat[] = DEFAULT_FORMATS,
): MessageCheck {
  const type = mediaType(message)
  const format = formats.find((one) => one.reads(type)) ?? binaryFormat
  const headers = message.headers === undefined ? undefined : compiler.compileHeaders(message.headers)
  if (message.payload === undefined)
    return { message, format, payload: undefined, headers, unchecked: headers?.problem }
  if (!format.checks(message.schemaFormat)) {
    const unchecked = `payloads of ${type} described by ${message.schemaFormat || 'a JSON Schema'} are not checked`
    return { message, format, payload: undefined, headers, unchecked }
  }
  const payload = compiler.compile(message.payload, message.schemaFormat)
  return { message, format, payload, headers, unchecked: payload.problem ?? headers?.problem }
}

/** What is wrong with headers; their pointers read `$message.header#/name`. */
export function checkHeaders(check: MessageCheck, headers: Headers | undefined): readonly Violation[] {
  if (check.headers === undefined || headers === undefined) return []
  const errors = check.headers.check(headers)
  return errors.map((error) => ({ ...error, pointer: `$message.header#${error.pointer}` }))
}
