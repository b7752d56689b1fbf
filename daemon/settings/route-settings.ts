import type { Schema } from './schema.ts'
import { list, record } from './schema-collections.ts'
import { object, optional, required } from './schema-object.ts'
import { text } from './schema-scalars.ts'

export interface RouteSettings {
  /** An address with parameters, as in a document. */
  from: string
  /** Name of an upstream. */
  to: string
  topic?: string
  key?: string
  headers?: Record<string, string>
}

const headers = record(
  { pattern: /^[\x21-\x7e]{1,255}$/, expected: 'visible ASCII without spaces' },
  text({ maxLength: 4096 }),
)

const route = object<RouteSettings>({
  from: required('from', text(), 'The address it is for, with parameters in braces: `device/{deviceId}/data`.'),
  to: required('to', text({ maxLength: 64 }), 'The name of an upstream.'),
  topic: optional('topic', text(), 'Topic at the upstream, a template; else made from the address.'),
  key: optional('key', text(), 'Template of the order key, as `{deviceId}`.'),
  headers: optional('headers', headers, 'Headers to add: name and template.'),
})

/** Where messages go when their document does not say it. */
export const routesSchema: Schema<RouteSettings[]> = list(route)
