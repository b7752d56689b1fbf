import { beforeEach, describe, expect, test } from 'vitest'
import { EdgeError } from '../../../daemon/core/errors.ts'
import { MessageRefused } from '../../../daemon/core/refusal.ts'
import { deadLetterRoutes, quarantineRoutes } from '../../../daemon/http/routes/refused-routes.ts'
import { asking, auditLog, type Ask } from '../ask.ts'

let asked: unknown[][]
let lines: Record<string, unknown>[]
const missing = (id: string): EdgeError => new EdgeError('not-found', `There is no ${id}.`)
const port = {
  list(request: object) {
    asked.push(['list', request])
    return { items: [{ id: '7' }], next: '7' }
  },
  get(id: string) {
    if (id !== '7') throw missing(id)
    return { id }
  },
  replay: (id: string): Promise<{ id: string }> =>
    id === '8'
      ? Promise.reject(new MessageRefused('payload-invalid', []))
      : id === '7'
        ? Promise.resolve({ id: 'gw:s:9' })
        : Promise.reject(missing(id)),
  discard: (id: string): Promise<void> => (id === '7' ? Promise.resolve() : Promise.reject(missing(id))),
}

describe.each([
  ['quarantine', quarantineRoutes(port as never), 'client_id=c&topic=t', { client_id: 'c', topic: 't' }],
  ['deadletters', deadLetterRoutes(port as never), 'destination=bus', { destination: 'bus' }],
] as const)('/%s', (name, routes, filter, given) => {
  let ask: Ask
  beforeEach(() => {
    asked = []
    const log = auditLog()
    lines = log.lines
    ask = asking(routes, log.options)
  })

  test('lists messages by page and filter', async () => {
    expect(await ask('GET', `/${name}?${filter}&limit=1`)).toMatchObject({ status: 200, body: { next: '7' } })
    expect(asked).toEqual([['list', { ...given, limit: 1 }]])
    expect((await ask('GET', `/${name}?unknown=1`)).status).toBe(400)
  })

  test('returns one message, or 404', async () => {
    expect(await ask('GET', `/${name}/7`)).toMatchObject({ status: 200, body: { id: '7' } })
    expect((await ask('GET', `/${name}/6`)).status).toBe(404)
  })

  test('replays and discards messages, and audits only what succeeded', async () => {
    expect(await ask('POST', `/${name}/7/replay`)).toMatchObject({ status: 202, body: { id: 'gw:s:9' } })
    expect((await ask('DELETE', `/${name}/7`)).status).toBe(204)
    expect((await ask('POST', `/${name}/8/replay`)).status).toBe(422)
    expect((await ask('DELETE', `/${name}/6`)).status).toBe(404)
    expect(lines.map(({ action, target }) => [action, target])).toEqual([
      [`replay ${name}`, '7'],
      [`discard ${name}`, '7'],
    ])
  })

  test('is for admins only', async () => {
    const needs: string[] = []
    const guarded = asking(routes, {
      authorize: (request) => {
        needs.push(request.needs)
        return Promise.resolve('forbidden')
      },
    })
    for (const [method, url] of [
      ['GET', `/${name}`],
      ['GET', `/${name}/7`],
      ['POST', `/${name}/7/replay`],
      ['DELETE', `/${name}/7`],
    ] as const)
      expect((await guarded(method, url)).status).toBe(403)
    expect(needs).toEqual(['admin', 'admin', 'admin', 'admin'])
  })
})
