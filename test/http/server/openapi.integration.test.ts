import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { valuesOf } from '../schema-arbitrary.ts'

interface Parameter {
  name: string
  in: 'query' | 'path' | 'header'
  required?: boolean
  schema: Parameters<typeof valuesOf>[0]
}

interface Operation {
  operationId: string
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: Parameters<typeof valuesOf>[0] }> }
  responses: Record<string, { content?: Record<string, unknown> }>
}

interface OpenApi {
  openapi: string
  paths: Record<string, Record<string, Operation>>
}

interface Call {
  query: Record<string, unknown>
  path: Record<string, unknown>
  header: Record<string, unknown>
  body: unknown
}

const RUNS = 25
const NOTHING: Call = { query: {}, path: {}, header: {}, body: undefined }
const daemon = await DaemonProcess.create()
let api: OpenApi
let base: string

beforeAll(async () => {
  await daemon.start()
  base = `http://127.0.0.1:${daemon.httpPort}`
  api = (await (await fetch(`${base}/openapi.json`)).json()) as OpenApi
})
afterAll(() => daemon.remove())

function operations(): { path: string; method: string; operation: Operation }[] {
  return Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
}

function callsOf(operation: Operation, body: fc.Arbitrary<unknown>): fc.Arbitrary<Call> {
  const part = (place: Parameter['in']): fc.Arbitrary<Record<string, unknown>> => {
    const given = (operation.parameters ?? []).filter((one) => one.in === place)
    const required = given.filter((one) => one.required === true).map((one) => one.name)
    const values = Object.fromEntries(given.map((one) => [one.name, valuesOf(one.schema)]))
    return fc.record(values, { requiredKeys: required })
  }
  return fc.record({ query: part('query'), path: part('path'), header: part('header'), body })
}

async function send(path: string, method: string, call: Call): Promise<Response> {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(call.path[name])))
  const query = new URLSearchParams(
    Object.fromEntries(Object.entries(call.query).map(([name, value]) => [name, String(value)])),
  )
  const controller = new AbortController()
  const response = await fetch(`${base}${filled}?${query}`, {
    method: method.toUpperCase(),
    signal: controller.signal,
    headers: {
      ...Object.fromEntries(Object.entries(call.header).map(([name, value]) => [name, String(value)])),
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
  })
  // A stream never ends.
  if (response.headers.get('content-type')?.includes('event-stream') === true) controller.abort()
  else await response.arrayBuffer()
  return response
}

function expectDocumented({ operationId, responses }: Operation, response: Response, call: Call): void {
  const what = `${operationId} ${response.status} ${JSON.stringify(call).slice(0, 500)}`
  expect(response.status, what).toBeLessThan(500)
  expect(Object.keys(responses), what).toContain(String(response.status))
  const type = response.headers.get('content-type')?.split(';')[0] ?? ''
  const documented = Object.keys(responses[String(response.status)]?.content ?? {})
  if (response.status !== 204) expect(documented, what).toContain(type)
}

test('the description is OpenAPI 3.1, and every operation has a unique id', () => {
  expect(api.openapi).toBe('3.1.0')
  const names = operations().map(({ operation }) => operation.operationId)
  expect(names).toContain('publishMessage')
  expect(new Set(names).size).toBe(names.length)
})

test('every valid request gets an answer that is described', async () => {
  for (const { path, method, operation } of operations()) {
    const schema = operation.requestBody?.content['application/json']?.schema
    const calls = callsOf(operation, schema === undefined ? fc.constant(undefined) : valuesOf(schema))
    // Checking a document starts a child process.
    const numRuns = path === '/asyncapis/register' ? 3 : RUNS
    await fc.assert(
      fc.asyncProperty(calls, async (call) => expectDocumented(operation, await send(path, method, call), call)),
      { numRuns, seed: 20_261_124 },
    )
  }
})

test('an invalid body is never accepted', async () => {
  for (const { path, method, operation } of operations()) {
    const schema = operation.requestBody?.content['application/json']?.schema
    if (schema === undefined) continue
    const strangers = fc.oneof(
      fc.constantFrom<unknown>(null, 42, 'text', true, [], [{}]),
      valuesOf(schema).map((value) => ({ ...(value as object), stranger: 1 })),
    )
    await fc.assert(
      fc.asyncProperty(callsOf(operation, strangers), async (call) => {
        const response = await send(path, method, call)
        expectDocumented(operation, response, call)
        expect(response.status).toBe(400)
      }),
      { numRuns: RUNS, seed: 20_261_124 },
    )
  }
})

test('answers 405 with the allowed methods for any other method', async () => {
  for (const [path, methods] of Object.entries(api.paths)) {
    const response = await fetch(base + path.replaceAll(/\{\w+\}/g, 'x'), { method: 'PATCH' })
    expect([path, response.status]).toEqual([path, 405])
    // A path with a parameter may match as well.
    expect(response.headers.get('allow')?.split(', ')).toEqual(
      expect.arrayContaining(Object.keys(methods).map((method) => method.toUpperCase())),
    )
    for (const operation of Object.values(methods)) expectDocumented(operation, response, NOTHING)
  }
  expect((await fetch(`${base}/messages/stream`, { method: 'HEAD' })).status).toBe(405)
})

test.each(['/asyncapis', '/channels', '/subscriptions', '/quarantine', '/deadletters', '/calls'])(
  'a cursor that is none of %s is refused by name',
  async (path) => {
    const response = await fetch(`${base}${path}?cursor=nonsense`)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'request-invalid', field: 'cursor' })
  },
)

test('a list continues at its cursor although the last item of the page was deleted', async () => {
  const post = (path: string, body: object): Promise<Response> =>
    fetch(base + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const ids: string[] = []
  for (const version of ['1', '2', '3']) {
    const content = {
      asyncapi: '3.0.0',
      info: { title: 'Paged', version },
      channels: { a: { address: `paged/${version}` } },
    }
    const { id } = (await (await post('/asyncapis/register', { content })).json()) as { id: string }
    ids.push(id)
  }
  const first = await fetch(`${base}/asyncapis?name=Paged&limit=1`)
  const { items, next } = (await first.json()) as { items: { id: string }[]; next: string }
  expect(items.map((one) => one.id)).toEqual(ids.slice(0, 1))
  await fetch(`${base}/asyncapis/${ids[0]}`, { method: 'DELETE' })
  const second = await fetch(`${base}/asyncapis?name=Paged&limit=10&cursor=${next}`)
  const rest = (await second.json()) as { items: { id: string }[] }
  expect(rest.items.map((one) => one.id)).toEqual(ids.slice(1))
})

test('every answer has a request id, the given one or a new one', async () => {
  const given = await fetch(`${base}/channels`, { headers: { 'x-request-id': 'abc-1' } })
  expect(given.headers.get('x-request-id')).toBe('abc-1')
  const drawn = await fetch(`${base}/channels`, { headers: { 'x-request-id': 'no good\u00e9' } })
  expect(drawn.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
})
