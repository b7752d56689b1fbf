import { list, record } from '../schema/schema-collections.ts'
import { object, optional, required } from '../schema/schema-object.ts'
import { text } from '../schema/schema-scalars.ts'
import type { Schema } from '../schema/schema.ts'

export interface RouteSettings {
  /** An address with parameters in braces, as in a document. */
  from: string
  /** Name of an upstream. */
  to: string
  topic?: string
  key?: string
  headers?: Record<string, string>
}

/** The templates that can be compiled: braces are paired, and contain a parameter's name or a runtime expression. */
const template = text({
  pattern:
    /^(?:\$message\.(?:payload|header)#(?:\/[^{}]*)?|(?!\$message)(?:[^{}]|\{(?:[^{}$/][^{}/]*|\$message\.(?:payload#(?:\/[^{}]*)?|header#\/[^{}]*))\})+)$/,
  expected: 'a template of text, {parameter}, {$message.payload#/path} or {$message.header#/name}',
})

const headers = record({ pattern: /^[\x21-\x7e]{1,255}$/, expected: 'visible ASCII without spaces' }, template)

const route = object<RouteSettings>({
  from: required('from', text(), 'Address of the messages, with parameters in braces: `device/{deviceId}/data`.'),
  to: required('to', text({ maxLength: 64 }), 'The name of an upstream.'),
  topic: optional('topic', template, 'Template of the topic at the upstream. Default: made from the address.'),
  key: optional('key', template, 'Template of the order key, such as `{deviceId}`.'),
  headers: optional('headers', headers, 'Headers to add: name and template.'),
})

/** Destinations of messages whose document names none. */
export const routesSchema: Schema<RouteSettings[]> = list(route)
