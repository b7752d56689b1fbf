interface Oddity {
  /** The error of strict mode; undefined if it accepts the document. */
  strict?: string
  /** Further diagnostics of lenient mode. */
  listed?: string[]
  /** Topic, payload, and the name of the message. */
  good?: [topic: string, payload: string, message: string][]
  bad?: [topic: string, payload: string, why: string][]
}

const INVALID = 'payload-invalid'

/** One document for each oddity of published documents, by its file name in `fixtures/oddities`. */
export const ODDITIES: Record<string, Oddity> = {
  'parameter-inside-level': {
    good: [['plant-north/line7-temp/c', '21.5', 'Temperature']],
    bad: [
      ['plant-north/line7-temp/c', '"warm"', INVALID],
      ['plant-west/line7-temp/c', '21.5', 'parameter-invalid'],
      ['plant-north/lineA-temp/c', '21.5', 'parameter-invalid'],
      ['plant-north/line-temp/c', '21.5', 'no channel'],
    ],
  },
  'address-null': {
    listed: ['The channel reply has no address', 'The channel unknown has no address'],
    good: [['requests', '{"replyTo":"a"}', 'Request']],
    bad: [
      ['requests', '{}', INVALID],
      ['reply', '"a"', 'no channel'],
      ['unknown', '"a"', 'no channel'],
      ['null', '"a"', 'no channel'],
    ],
  },
  'filter-address': {
    strict: 'should not include query ("?") or fragment ("#") delimiter',
    good: [
      ['devices/a/data', '{"value":1}', 'Data'],
      ['devices/a/log/b/c', 'fine', 'Log'],
    ],
    bad: [
      ['devices/a/data', '{}', INVALID],
      ['devices/a/log', 'too long', INVALID],
      ['devices/a/b/data', '{"value":1}', 'no channel'],
    ],
  },
  'shared-address': {
    listed: ['the message decides which channel it is'],
    good: [
      ['feed', '{"kind":"ticker","price":1}', 'Ticker'],
      ['feed', '{"kind":"status","up":true}', 'Status'],
    ],
    bad: [['feed', '{"kind":"gossip"}', `${INVALID},${INVALID}`]],
  },
  'example-of-a-file': {
    strict: 'The reference "./examples/a.json" leaves the document.',
    listed: ['The reference "./examples/b.json" leaves the document.'],
    good: [['a', '{"n":1}', 'A']],
    bad: [['a', '{"n":"one"}', INVALID]],
  },
  'examples-of-four-shapes': { strict: 'must have required property', good: [['a', '{"n":1}', 'A']] },
  nullable: {
    good: [['a', '{"note":null,"state":null,"part":{"id":1}}', 'A']],
    bad: [
      ['a', '{"strict":null}', INVALID],
      ['a', '{"state":"maybe"}', INVALID],
      ['a', '{"part":{}}', INVALID],
    ],
  },
  'unknown-formats': {
    listed: ['uint32', 'long', 'decimal', 'iso8601'].map((name) => `unknown format "${name}": not checked`),
    good: [['a', '{"count":-1,"total":9007199254740993,"price":0.1,"at":"today"}', 'A']],
    bad: [
      ['a', '{"count":"1"}', INVALID],
      ['a', '{"id":"none"}', INVALID],
    ],
  },
  'loose-schemas': {
    strict: 'must have required property',
    listed: ['required as a boolean is JSON Schema draft 3'],
    good: [
      [
        'a',
        '{"kind":"a","missing":[],"maybe":null,"size":"abc","pair":[1,"x"],"limit":6,"nothing":{},"named":"n"}',
        'A',
      ],
    ],
    bad: [
      ['a', '{"kind":"a"}', INVALID],
      ['a', '{"kind":"c","missing":1}', INVALID],
      ['a', '{"kind":"a","missing":1,"maybe":5}', INVALID],
      ['a', '{"kind":"a","missing":1,"size":-1}', INVALID],
      ['a', '{"kind":"a","missing":1,"size":"long"}', INVALID],
      ['a', '{"kind":"a","missing":1,"pair":["x"]}', INVALID],
      ['a', '{"kind":"a","missing":1,"limit":5}', INVALID],
      ['a', '{"kind":"a","missing":1,"inside":{"x":1}}', INVALID],
    ],
  },
  patterns: {
    good: [['a', '{"name":"a-b.c","mail":"a_b.c@d-e","path":"/a-b:c","brace":"{12}","slash":"2024/01"}', 'A']],
    bad: [
      ['a', '{"name":"a b"}', INVALID],
      ['a', '{"mail":"a@"}', INVALID],
      ['a', '{"path":"a-b:c"}', INVALID],
      ['a', '{"brace":"12"}', INVALID],
      ['a', '{"slash":"2024-01"}', INVALID],
    ],
  },
  circular: {
    good: [
      ['tree', '{"id":"a","children":[{"id":"b","children":[]}]}', 'Tree'],
      ['pair', '{"right":{"n":1,"left":{"right":{"n":2}}}}', 'Pair'],
    ],
    bad: [
      ['tree', '{"id":"a","children":[{"id":"b","children":[{}]}]}', INVALID],
      ['pair', '{"right":{"n":1,"left":{"right":{}}}}', INVALID],
      ['pair', '{"right":{"n":1,"left":{"wrong":1}}}', INVALID],
    ],
  },
  'multi-format': {
    good: [
      ['json', '{"part":{"id":1}}', 'Json'],
      ['named', '{"id":1}', 'Named'],
      ['openapi', 'null', 'OpenApi'],
      ['avro', '{"n":1}', 'Avro'],
      ['wrapped', '1', 'Wrapped'],
    ],
    bad: [
      ['json', '{"part":{}}', INVALID],
      ['named', '{}', INVALID],
      ['openapi', '1', INVALID],
      ['avro', '{"n":"x"}', INVALID],
      ['wrapped', '1.5', INVALID],
    ],
  },
  'host-with-scheme': { good: [['a', '1', 'A']], bad: [['a', '"1"', INVALID]] },
  'url-without-scheme': { listed: ['The server rooted names no host.'], good: [['a', '1', 'A']] },
  'server-pathname': { good: [['e2m/x', '1', 'A']], bad: [['e2m/x', 'null', INVALID]] },
  'server-variables': {
    strict: 'redundant defined "left" url variable',
    listed: ['The server variable host has no default.'],
    good: [['a', '1', 'A']],
  },
  protocols: { good: [['a', '1', 'A']] },
  'perspective-application': { good: [['readings', '1', 'Reading']], bad: [['readings', '"1"', INVALID]] },
  'perspective-device': { good: [['readings', '1', 'Reading']], bad: [['readings', '"1"', INVALID]] },
  'operation-names-component': {
    strict: 'Operation message does not belong to the specified channel',
    good: [
      ['a', '1', 'first'],
      ['a', '"1"', 'second'],
    ],
    bad: [['a', 'null', `${INVALID}`]],
  },
  'operation-without-messages': {
    good: [
      ['all', '1', 'One'],
      ['all', '"1"', 'Two'],
      ['none', '1', 'One'],
    ],
    bad: [
      ['all', 'null', INVALID],
      ['none', '"1"', INVALID],
    ],
  },
  'unused-parameters': {
    strict: 'redundant defined "tenant" parameter',
    listed: ['The parameter tenant is not in the address.', 'The parameter page is not in the address.'],
    good: [['a/7', '1', 'A']],
    bad: [['a/x', '1', 'parameter-invalid']],
  },
  'undeclared-parameters': {
    strict: 'Missed: id',
    good: [['a/anything/x', '1', 'A']],
    bad: [
      ['a/anything/z', '1', 'parameter-invalid'],
      ['a//x', '1', 'no channel'],
    ],
  },
  'leading-slashes': {
    good: [
      ['/a/7', '1', 'Slashed'],
      ['a/7', '"1"', 'Plain'],
      ['/', 'true', 'Root'],
    ],
    bad: [
      ['/a/7', '"1"', INVALID],
      ['a/7', '1', INVALID],
      ['//a/7', '1', 'no channel'],
    ],
  },
  'boolean-payload': {
    strict: '"payload" property type must be object',
    good: [
      ['any', '[1]', 'Any'],
      ['inside', '{"any":1}', 'Inside'],
    ],
    bad: [
      ['any', 'no JSON', 'payload-not-json'],
      ['none', '1', INVALID],
      ['inside', '{"none":1}', INVALID],
    ],
  },
  'boolean-payload-2': { good: [['any', '[1]', 'Any']], bad: [['none', '1', INVALID]] },
  'schema-ids': {
    good: [
      ['a', '{"part":{"n":1}}', 'A'],
      ['b', '{"id":1}', 'B'],
    ],
    bad: [
      ['a', '{"part":{}}', INVALID],
      ['b', '{"id":"1"}', INVALID],
    ],
  },
  'traits-2': { good: [['a', '1', 'A']], bad: [['a', '"1"', INVALID]] },
  'traits-3': { good: [['a', '1', 'A']], bad: [['a', 'one', 'payload-not-json']] },
  'empty-places': {
    strict: 'could not read this document to its end',
    good: [
      ['a', 'anything', ''],
      ['c', 'anything', ''],
      ['d', '1', 'D'],
    ],
  },
  'beside-a-reference': { good: [['a', '{"n":5}', 'A']], bad: [['a', '{"n":"5"}', INVALID]] },
  'slash-in-a-key': {
    strict: "'#/components/messages/pkg/v1.audio' does not exist",
    good: [
      ['speak', '1', 'audio'],
      ['speak', '"1"', 'text'],
    ],
    bad: [['speak', 'null', INVALID]],
  },
  'leads-nowhere': {
    strict: 'The reference "#/components/parameters/Gone" leads nowhere.',
    listed: [
      'A schema is expected at #/components/schemas/Gone. The payload is not checked.',
      'The operation lost names no',
    ],
    good: [
      ['a/x', '1', 'Known'],
      ['a/x', '"1"', 'Gone'],
      ['b', 'anything', 'Half'],
    ],
  },
  'wrong-bindings': { good: [['a', '1', 'A']], bad: [['a', '"1"', INVALID]] },
}
