import { EdgeError } from '../../../core/errors.ts'
import type { ContractMessage, JsonSchema, PayloadSchema } from '../../contract/contract.ts'
import { isJsonSchemaFormat } from '../../formats/payload-format.ts'
import { isRecord, isSchema } from '../../schemas/schema-keywords.ts'
import { resolve } from '../source/resolve-reference.ts'
import { bundleSchema } from './bundle-schema.ts'
import { optionalText, textOf, type Extraction, type Located } from './extraction.ts'
import { readExamples } from './message-examples.ts'
import type { BridgeReader } from './read-bridge.ts'
import { applyTraits } from './traits.ts'

interface FoundSchema<Schema> {
  schemaFormat: string | undefined
  schema?: Schema
}

/** One message, traits merged and schemas bundled alone. */
export function extractMessage(
  extraction: Extraction,
  bridges: BridgeReader,
  raw: Located,
  name: string,
): ContractMessage {
  const message = applyTraits(extraction, raw)
  const { value, pointer } = message
  const ownFormat = extraction.isV2 ? textOf(value['schemaFormat']) : undefined
  const payload = readSchema(extraction, value['payload'], `${pointer}/payload`, ownFormat)
  // 2.x: schemaFormat is about the payload alone.
  const headers = readSchema(extraction, value['headers'], `${pointer}/headers`, undefined)
  const correlation = extraction.object(value['correlationId'], `${pointer}/correlationId`)
  const extracted: ContractMessage = {
    name,
    ...optionalText('title', value['title'] ?? value['summary']),
    contentType: textOf(value['contentType']) ?? defaultContentType(extraction),
    schemaFormat: payload.schemaFormat ?? `application/vnd.aai.asyncapi;version=${extraction.version}`,
    ...(payload.schema === undefined ? {} : { payload: payload.schema }),
    ...(isHeaders(headers) ? { headers: headers.schema } : {}),
    ...optionalText('correlationId', correlation?.value['location']),
    ...optionalText('description', value['description']),
    examples: readExamples(extraction.expand(value['examples'])),
    bindings: extraction.expandObject(value['bindings']),
    bridge: bridges.read(extraction, message, 'message'),
  }
  extraction.messagePointers.set(extracted, pointer)
  return extracted
}

export function defaultContentType(extraction: Extraction): string {
  return textOf(extraction.root['defaultContentType']) ?? 'application/json'
}

function readSchema(
  extraction: Extraction,
  given: unknown,
  pointer: string,
  ownFormat: string | undefined,
): FoundSchema<PayloadSchema> {
  if (given === undefined || given === null) return { schemaFormat: ownFormat }
  const found = resolve(extraction.root, given, pointer)?.value
  const wrapped = isRecord(found) && typeof found['schemaFormat'] === 'string' && 'schema' in found
  const schemaFormat = wrapped ? textOf(found['schemaFormat']) : ownFormat
  if (!isJsonSchemaFormat(schemaFormat ?? ''))
    return { schemaFormat, schema: foreign(extraction, wrapped ? found['schema'] : found) }
  try {
    return { schemaFormat, schema: bundleSchema(extraction, given, pointer) }
  } catch (error) {
    if (!(error instanceof EdgeError) || error.code !== 'document-invalid') throw error
    extraction.report('error', `${error.message} The payload is not checked.`, pointer)
    return { schemaFormat }
  }
}

/** Headers are texts by name: only JSON Schema describes them. */
function isHeaders(found: FoundSchema<PayloadSchema>): found is FoundSchema<JsonSchema> & { schema: JsonSchema } {
  return isSchema(found.schema) && isJsonSchemaFormat(found.schemaFormat ?? '')
}

/** Avro, Protobuf, RAML …: as they stand. */
function foreign(extraction: Extraction, schema: unknown): PayloadSchema {
  const expanded = extraction.expand(schema)
  return isSchema(expanded) || Array.isArray(expanded) ? expanded : String(expanded)
}
