const message = (rest: string): string => `{ payload: { type: number }, ${rest} }`

function version2(channel: string, rest = ''): string {
  return `asyncapi: 2.6.0\ninfo: { title: T, version: '1' }\nchannels: { 'a/{p}': ${channel} }\n${rest}\n`
}

function version3(channel: string, rest = ''): string {
  return `asyncapi: 3.0.0\ninfo: { title: T, version: '1' }\nchannels: { a: ${channel} }\n${rest}\n`
}

const publish = (text: string): string => version2(`{ publish: { message: ${text} } }`)
const PLAIN = publish('{ payload: { type: number } }')

/** Documents with one Reference Object, `{ $ref: … }`, in each kind of place where a tool might follow it. */
export const REFERENCE_PLACES: Readonly<Record<string, (reference: string) => string>> = {
  'a message': (to) => publish(to),
  'one of several messages': (to) => publish(`{ oneOf: [ { payload: { type: number } }, ${to} ] }`),
  'a payload': (to) => publish(`{ payload: ${to} }`),
  'deep in a payload': (to) => publish(`{ payload: { properties: { a: { items: { allOf: [ ${to} ] } } } } }`),
  'an unknown keyword of a schema': (to) => publish(`{ payload: { note: ${to} } }`),
  'a default': (to) => publish(`{ payload: { default: ${to} } }`),
  'an enum': (to) => publish(`{ payload: { enum: [ ${to} ] } }`),
  'a property that is called $ref': (to) => publish(`{ payload: { type: object, properties: ${to} } }`),
  'an Avro schema': (to) =>
    publish(
      `{ schemaFormat: application/vnd.apache.avro;version=1.9.0, payload: { type: record, name: R, fields: [ { name: n, type: ${to} } ] } }`,
    ),
  'a RAML schema': (to) => publish(`{ schemaFormat: application/raml+yaml;version=1.0, payload: ${to} }`),
  'an OpenAPI schema': (to) =>
    publish(`{ schemaFormat: application/vnd.oai.openapi;version=3.0.0, payload: { properties: { a: ${to} } } }`),
  headers: (to) => publish(message(`headers: ${to}`)),
  'a correlation id': (to) => publish(message(`correlationId: ${to}`)),
  'an example': (to) => publish(message(`examples: [ ${to} ]`)),
  'inside an example': (to) => publish(message(`examples: [ { payload: { deep: [ ${to} ] } } ]`)),
  'message traits': (to) => publish(message(`traits: [ ${to} ]`)),
  'message bindings': (to) => publish(message(`bindings: { mqtt: ${to} }`)),
  'an extension of a message': (to) => publish(message(`x-note: [ [ ${to} ] ]`)),
  'x-bridge': (to) => publish(message(`x-bridge: ${to}`)),
  'operation traits': (to) => version2(`{ publish: { traits: [ ${to} ], message: { payload: { type: number } } } }`),
  'operation bindings': (to) => version2(`{ publish: { bindings: ${to} } }`),
  'channel bindings': (to) => version2(`{ bindings: { kafka: ${to} }, publish: { } }`),
  'a channel': (to) => version2(to),
  'a parameter': (to) => version2(`{ parameters: { p: ${to} }, publish: { } }`),
  'the schema of a parameter': (to) => version2(`{ parameters: { p: { schema: ${to} } }, publish: { } }`),
  'a server': (to) => `${PLAIN}servers: { s: ${to} }\n`,
  'a server variable': (to) => `${PLAIN}servers: { s: { url: '{v}', protocol: mqtt, variables: { v: ${to} } } }\n`,
  'an unused component': (to) => `${PLAIN}components: { schemas: { Unused: ${to} } }\n`,
  'a security scheme': (to) => `${PLAIN}components: { securitySchemes: { s: ${to} } }\n`,
  tags: (to) => `${PLAIN}tags: [ { name: t, externalDocs: ${to} } ]\n`,
  'an extension of the document': (to) => `${PLAIN}x-anything: { goes: ${to} }\n`,
  'an anchor': (to) => `${PLAIN}x-a: &a ${to}\nx-b: { <<: *a }\n`,
  'a schema in its wrapper': (to) =>
    version3(
      `{ address: a, messages: { m: { payload: { schemaFormat: 'application/schema+json;version=draft-07', schema: ${to} } } } }`,
    ),
  'the servers of a channel': (to) => version3(`{ address: a, servers: [ ${to} ] }`),
  'the channel of an operation': (to) =>
    version3('{ address: a }', `operations: { o: { action: send, channel: ${to} } }`),
  'a reply': (to) =>
    version3('{ address: a }', `operations: { o: { action: send, channel: { $ref: '#/channels/a' }, reply: ${to} } }`),
}
