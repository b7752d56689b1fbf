import { beforeEach, describe, expect, test } from 'vitest'
import { DocumentErrors } from '../../../daemon/asyncapi/documents/source/document-errors.ts'
import { EdgeError } from '../../../daemon/core/errors.ts'
import { documentsRoutes } from '../../../daemon/http/routes/documents-routes.ts'
import type { RegistryPort } from '../../../daemon/operations/registry.ts'
import { asking, auditLog, type Ask } from '../ask.ts'

const LISTING = {
  id: 'doc',
  name: 'iot',
  version: '1',
  base_url: null,
  status: 'active' as const,
  mode: 'strict' as const,
  source: 'api' as const,
  file: null,
  pinned: false,
  channel_count: 0,
  created_at: '',
  updated_at: '',
}

let calls: unknown[][]
let lines: Record<string, unknown>[]
let ask: Ask

function port(overrides: Partial<RegistryPort> = {}): RegistryPort {
  const note =
    <Answer>(name: string, answer: Answer) =>
    (...args: unknown[]): Answer => {
      calls.push([name, ...args])
      return answer
    }
  return {
    register: note(
      'register',
      Promise.resolve({ id: 'doc', name: 'iot', version: '1', channels: [], diagnostics: [], changes: [] }),
    ),
    dryRun: note('dryRun', Promise.resolve({ name: 'iot' } as never)),
    documents: note('documents', { items: [LISTING], next: '0000000001' }),
    document: note('document', LISTING as never),
    unregister: note('unregister', Promise.resolve()),
    pin: note('pin', Promise.resolve(LISTING)),
    channels: note('channels', { items: [] }),
    channel: note('channel', {} as never),
    schema: note('schema', {} as never),
    ...overrides,
  }
}

beforeEach(() => {
  calls = []
  const log = auditLog()
  lines = log.lines
  ask = asking(documentsRoutes(port()), log.options)
})

const LOCAL = { name: 'local', admin: true }

describe('registering', () => {
  test('passes document and caller on, answers 201, and is audited', async () => {
    const answer = await ask('POST', '/asyncapis/register', { content: 'asyncapi: 3.0.0', mode: 'lenient' })
    expect(answer).toMatchObject({ status: 201, body: { id: 'doc' } })
    expect(calls).toEqual([
      ['register', { content: 'asyncapi: 3.0.0', mode: 'lenient' }, LOCAL, expect.any(AbortSignal)],
    ])
    expect(lines).toMatchObject([{ caller: 'local', action: 'register', target: 'iot@1' }])
  })

  test('registers nothing as a dry run', async () => {
    expect((await ask('POST', '/asyncapis/register?dryRun=true', { content: {} })).status).toBe(200)
    expect(calls.map(([name]) => name)).toEqual(['dryRun'])
    expect(lines).toEqual([])
  })

  test.each([
    [{}, '/content'],
    [{ content: 7 }, '/content'],
    [{ content: 'x', mode: 'loose' }, '/mode'],
    [{ content: 'x', base_url: 'no url' }, '/base_url'],
    [{ content: 'x', stranger: 1 }, '/stranger'],
  ])('%j is 400 and names the field', async (body, field) => {
    expect(await ask('POST', '/asyncapis/register', body)).toMatchObject({ status: 400, body: { field } })
    expect(calls).toEqual([])
  })

  test('answers 422 for a document with errors, with the place of each', async () => {
    const fault = new EdgeError('document-invalid', 'no such type', { place: { line: 3, column: 5 } })
    const register = (): Promise<never> => Promise.reject(new DocumentErrors([fault]))
    const answer = await asking(documentsRoutes(port({ register })))('POST', '/asyncapis/register', { content: 'x' })
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'document-invalid', errors: [{ detail: 'no such type', line: 3, column: 5 }] },
    })
  })

  test('answers 409 for different content under an existing version', async () => {
    const register = (): Promise<never> => Promise.reject(new EdgeError('document-conflict', 'other content'))
    const answer = await asking(documentsRoutes(port({ register })))('POST', '/asyncapis/register', { content: 'x' })
    expect(answer).toMatchObject({ status: 409, body: { code: 'document-conflict' } })
  })
})

test('lists documents by page, name and status', async () => {
  const answer = await ask('GET', '/asyncapis?name=iot&status=active&limit=5&cursor=0000000000')
  expect(answer).toMatchObject({ status: 200, body: { items: [{ id: 'doc' }], next: '0000000001' } })
  expect(calls).toEqual([['documents', { name: 'iot', status: 'active', limit: 5, cursor: '0000000000' }]])
  expect((await ask('GET', '/asyncapis?limit=1001')).status).toBe(400)
  expect((await ask('GET', '/asyncapis?limit=0')).status).toBe(400)
})

test('deletes, pins and unpins a version, and audits each', async () => {
  expect((await ask('DELETE', '/asyncapis/doc')).status).toBe(204)
  expect((await ask('PUT', '/asyncapis/doc/pin')).status).toBe(200)
  expect((await ask('DELETE', '/asyncapis/doc/pin')).status).toBe(200)
  expect(calls).toEqual([
    ['unregister', 'doc', LOCAL],
    ['pin', 'doc', true, LOCAL],
    ['pin', 'doc', false, LOCAL],
  ])
  expect(lines.map(({ action }) => action)).toEqual(['unregister', 'pin', 'unpin'])
})
