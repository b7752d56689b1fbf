/** Parts of the JSON Schemas of the routes, which check input and generate /openapi.json. */

export const text = { type: 'string' } as const
export const nullableText = { type: ['string', 'null'] } as const
export const integer = { type: 'integer' } as const
export const nullableNumber = { type: ['number', 'null'] } as const
export const anything = {} as const
export const id = { type: 'string', minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9][A-Za-z0-9:._-]*$' } as const
/** Texts by name, such as headers and parameters. */
export const texts = {
  type: 'object',
  maxProperties: 100,
  additionalProperties: { type: 'string', maxLength: 8192 },
} as const

const PROBLEM = {
  description: 'A problem (RFC 9457); `code` is stable.',
  content: {
    'application/problem+json': {
      schema: {
        type: 'object',
        required: ['status', 'title', 'code', 'detail'],
        properties: {
          status: integer,
          title: text,
          code: text,
          detail: text,
          hint: text,
          field: text,
          line: integer,
          column: integer,
          document: nullableText,
          message: nullableText,
          errors: { type: 'array', items: { type: 'object', additionalProperties: true } },
        },
      },
    },
  },
} as const

/** An object of an answer; it may have further members. */
export function object(
  properties: Readonly<Record<string, object>>,
  required: readonly string[] = Object.keys(properties),
) {
  return { type: 'object', properties, required } as const
}

/** An object of a request; unknown members are refused. */
export function input(properties: Readonly<Record<string, object>>, required: readonly string[] = []) {
  return { type: 'object', properties, required, additionalProperties: false } as const
}

export function array(items: object) {
  return { type: 'array', items } as const
}

/** The answers of a route: success, the problems that every route may answer with, and those of the given statuses. */
export function answers(success: Readonly<Record<number, object>>, ...statuses: number[]) {
  const problems = [400, 401, 403, 405, 414, 421, 431, 503, ...statuses].map((status) => [status, PROBLEM] as const)
  return { ...Object.fromEntries(problems), ...success }
}

export const NO_CONTENT = { description: 'Done.', type: 'null' } as const

const DIAGNOSTIC = object({ severity: text, message: text, pointer: text, line: integer, column: integer }, [
  'severity',
  'message',
  'pointer',
])
const CHANGE = object({ channel: text, message: text, kind: text, pointer: text, breaks: text, detail: text })
const MESSAGE = object({
  id: text,
  message_name: text,
  message_type: { enum: ['publish', 'subscribe'] },
  content_type: text,
  description: nullableText,
})
export const CHANNEL = object({
  id: text,
  asyncapi_document_id: text,
  channel_name: text,
  protocol: text,
  description: nullableText,
  publish_operations: array({ type: 'object' }),
  subscribe_operations: array({ type: 'object' }),
  parameters: array({ type: 'object' }),
  status: text,
  messages: array(MESSAGE),
  created_at: text,
  updated_at: text,
})
export const DOCUMENT = object({
  id: text,
  name: text,
  version: text,
  base_url: nullableText,
  status: text,
  mode: { enum: ['strict', 'lenient'] },
  source: { enum: ['api', 'file'] },
  file: nullableText,
  pinned: { type: 'boolean' },
  channel_count: integer,
  created_at: text,
  updated_at: text,
})
export const DOCUMENT_DETAIL = object({
  ...DOCUMENT.properties,
  specification: text,
  title: text,
  description: nullableText,
  content: text,
  servers: array({ type: 'object' }),
  diagnostics: array(DIAGNOSTIC),
  channels: array(CHANNEL),
})
export const REGISTERED = object({
  id: text,
  name: text,
  version: text,
  channels: array(CHANNEL),
  diagnostics: array(DIAGNOSTIC),
  changes: array(CHANGE),
})
export const DRY_RUN = object({
  name: text,
  version: text,
  registered: { type: 'boolean' },
  channels: array(text),
  diagnostics: array(DIAGNOSTIC),
  changes: array(CHANGE),
  replay: { type: 'object' },
})
export const VIOLATION = object({ pointer: text, keyword: text, expected: text, actual: text })
