const HEAD = `asyncapi: 2.6.0\ninfo: { title: T, version: '1' }\n`
const CHANNEL = `channels: { a: { publish: { message: { payload: { type: number } } } } }\n`
const PLAIN = HEAD + CHANNEL

function range<T>(length: number, make: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => make(index))
}

/** Nested aliases: each list holds the list before it nine times. */
const LAUGHS = range(26, (i) => String.fromCodePoint(97 + i))
  .map(
    (letter, i, letters) =>
      `${letter}: &${letter} [${Array(9)
        .fill(i === 0 ? 'x' : `*${letters[i - 1]}`)
        .join()}]`,
  )
  .join('\n')

const MERGES = range(
  40,
  (i) => `m${i}: &m${i} { ${i === 0 ? 'x: 1' : `<<: [*m${i - 1}, *m${i - 1}], k${i}: 1`} }`,
).join('\n')

function message(text: string): string {
  return `${HEAD}channels: { a: { publish: { message: ${text} } } }\n`
}

function version3(text: string): string {
  return `asyncapi: 3.0.0\ninfo: { title: T, version: '1' }\n${text}\n`
}

const chain = (length: number, last: string): string =>
  range(length, (i) => `  C${i}: { $ref: '#/x-c/C${i + 1}' }`).join('\n') + `\n  C${length}: ${last}`

/** Documents that would exhaust the memory, the stack or the time of a careless reader. */
export const HOSTILE_TEXTS: Readonly<Record<string, () => string>> = {
  'a schema that is itself': () =>
    message(`{ payload: { $ref: '#/components/schemas/A' } }`).concat(
      `components: { schemas: { A: { $ref: '#/components/schemas/A' } } }`,
    ),
  'two schemas that are each other': () =>
    message(`{ payload: { $ref: '#/components/schemas/A' } }`).concat(
      `components: { schemas: { A: { $ref: '#/components/schemas/B' }, B: { $ref: '#/components/schemas/A' } } }`,
    ),
  'a schema of all of itself': () =>
    message(`{ payload: { $ref: '#/components/schemas/A' } }`).concat(
      `components: { schemas: { A: { allOf: [ { $ref: '#/components/schemas/A' } ], anyOf: [ { $ref: '#/components/schemas/A' }, { $ref: '#/components/schemas/A' } ] } } }`,
    ),
  'a message that is itself': () => `${message(`{ $ref: '#/channels/a/publish/message' }`)}`,
  'a message of its own choices': () => message(`{ oneOf: [ { $ref: '#/channels/a/publish/message' } ] }`),
  'a channel that is itself': () => `${HEAD}channels: { a: { $ref: '#/channels/a' } }\n`,
  'a document inside itself': () => version3(`channels: { a: { $ref: '#/channels' } }\nx: { $ref: '#/x/x/x/x' }`),
  'traits of each other': () =>
    version3(
      `channels: { a: { address: a, messages: { m: { traits: [ { $ref: '#/components/messageTraits/T' } ] } } } }\ncomponents: { messageTraits: { T: { $ref: '#/components/messageTraits/U' }, U: { $ref: '#/components/messageTraits/T' } } }`,
    ),
  'parameters and servers of themselves': () =>
    version3(
      `servers: { s: { $ref: '#/servers/s' } }\nchannels: { a: { address: 'a/{p}', servers: [ { $ref: '#/servers/s' } ], parameters: { p: { $ref: '#/channels/a/parameters/p' } } } }`,
    ),
  'a ring of 5,000 references': () =>
    `${message(`{ payload: { $ref: '#/x-c/C0' } }`)}x-c:\n${chain(5_000, `{ $ref: '#/x-c/C0' }`)}\n`,
  'references that multiply': () =>
    `${message(`{ payload: { $ref: '#/components/schemas/S0' } }`)}components:\n  schemas:\n${range(
      40,
      (i) =>
        `    S${i}: { properties: { a: { $ref: '#/components/schemas/S${i + 1}' }, b: { $ref: '#/components/schemas/S${i + 1}' } } }`,
    ).join('\n')}\n    S40: { type: number }\n`,
  '10 MB of text': () => `${PLAIN}x-y: ${'y'.repeat(10_000_000)}\n`,
  '4.9 MB in one text': () => `${PLAIN}x-y: ${'y'.repeat(4_900_000)}\n`,
  '4.9 MB in one key': () => `${PLAIN}? ${'y'.repeat(4_900_000)}\n: { $ref: '#/none' }\n`,
  '100 references below a key of 4 MB': () =>
    `${PLAIN}? ${'y'.repeat(4_000_000)}\n: [ ${Array(100).fill(`{ $ref: '#/none' }`).join()} ]\n`,
  'a reference of 4 MB': () => `${PLAIN}x-y: { $ref: '#${'/y'.repeat(2_000_000)}' }\n`,
  'depth 10,000 in YAML lists': () => `${PLAIN}x-y: ${'['.repeat(10_000)}${']'.repeat(10_000)}\n`,
  'depth 10,000 in YAML maps': () => `${PLAIN}x-y: ${'{ a: '.repeat(10_000)}1${' }'.repeat(10_000)}\n`,
  'depth 10,000 in YAML blocks': () => `${PLAIN}x-y:\n ${'- '.repeat(10_000)}1\n`,
  'depth 10,000 in JSON lists': () => `{"asyncapi":"2.6.0","x-y":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
  'depth 10,000 in JSON objects': () => `{"asyncapi":"2.6.0","x-y":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`,
  'depth 10,000 without an end': () => `{"asyncapi":"2.6.0","x-y":${'['.repeat(10_000)}`,
  'an alias bomb': () => `${PLAIN}${LAUGHS}\n`,
  'an alias bomb in a schema': () =>
    `${HEAD}${LAUGHS}\nchannels: { a: { publish: { message: { payload: { enum: *z } } } } }\n`,
  'an alias inside its anchor': () => `${PLAIN}x-y: &y [ *y ]\n`,
  'merge keys that multiply': () => `${PLAIN}${MERGES}\n`,
  '20,000 aliases': () => `${PLAIN}x-a: &a { b: 1 }\nx-y: [${Array(20_000).fill('*a').join()}]\n`,
  'a pattern and an example that never end': () =>
    message(`{ payload: { type: string, pattern: '^(a+)+$' }, examples: [ { payload: '${'a'.repeat(60)}!' } ] }`),
  '5,000 large patterns': () =>
    message(
      `{ payload: { properties: { ${range(4_900, (i) => `p${i}: { pattern: '^(x{1,50}){1,18}$${i}' }`).join()} } } }`,
    ),
}
