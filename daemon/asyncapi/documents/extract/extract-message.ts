import { EdgeError } from '../../../core/errors.ts'
import type { ContractMessage, JsonSchema, PayloadSchema } from '../../contract/contract.ts'
import { isRecord } from '../../contract/json-pointer.ts'
import { isJsonSchemaFormat, isSchema } from '../../schemas/json-schema.ts'
import { resolve } from '../source/resolve-reference.ts'
import { bundleSchema } from './bundle-schema.ts'
import { optionalText, textOf, type Extraction, type Located } from './extraction.ts'
import type { BridgeReader } from './read-bridge.ts'
import { applyTraits } from './traits.ts'

type Example = ContractMessage['examples'][number]

const MAX_EXAMPLES = 20

interface FoundSchema<Schema> {
  schemaFormat: string | undefined
  schema?: Schema
}

/** Extracts one message, with its traits merged and its schemas bundled. */
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
  // In 2.x, schemaFormat applies to the payload only.
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
    return { schemaFormat, schema: foreignSchema(extraction, wrapped ? found['schema'] : found) }
  try {
    return { schemaFormat, schema: bundleSchema(extraction, given, pointer) }
  } catch (error) {
    if (!(error instanceof EdgeError) || error.code !== 'document-invalid') throw error
    extraction.report('error', `${error.message} The payload is not checked.`, pointer)
    return { schemaFormat }
  }
}

/** Only JSON Schema can describe headers. */
function isHeaders(found: FoundSchema<PayloadSchema>): found is FoundSchema<JsonSchema> & { schema: JsonSchema } {
  return isSchema(found.schema) && isJsonSchemaFormat(found.schemaFormat ?? '')
}

/** A schema of another language (Avro, Protobuf, RAML …), with references replaced and nothing else changed. */
function foreignSchema(extraction: Extraction, schema: unknown): PayloadSchema {
  const expanded = extraction.expand(schema)
  return isSchema(expanded) || Array.isArray(expanded) ? expanded : String(expanded)
}

/** Reads examples in the shapes that authors use: `{payload, headers}`, `{name: {payload}}`, or the payload itself. */
function readExamples(value: unknown): Example[] {
  return Array.isArray(value) ? value.flatMap(readExample).slice(0, MAX_EXAMPLES) : []
}

function readExample(value: unknown): Example[] {
  if (!isRecord(value)) return [{ payload: value }]
  if ('payload' in value || 'headers' in value) return [toExample(value, value['name'])]
  const named = Object.entries(value)
  if (named.length === 0 || !named.every(([, item]) => isRecord(item) && 'payload' in item)) return [{ payload: value }]
  return named.flatMap(([name, item]) => (isRecord(item) ? [toExample(item, name)] : []))
}

function toExample(value: Readonly<Record<string, unknown>>, name: unknown): Example {
  return {
    ...(typeof name === 'string' ? { name } : {}),
    ...('payload' in value ? { payload: value['payload'] } : {}),
    ...('headers' in value ? { headers: value['headers'] } : {}),
  }
}
