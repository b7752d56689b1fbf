import { beforeEach, describe, expect, test } from 'vitest'
import { type OperatingPorts, operatingRoutes } from '../../../daemon/http/routes/operating-routes.ts'
import { asking, auditLog, type Ask } from '../ask.ts'

let asked: unknown[]
let level: string
let lines: Record<string, unknown>[]
let ask: Ask
const ports: OperatingPorts = {
  statistics: {
    read(request) {
      asked.push(request)
      return Promise.resolve({ window: '1h' } as never)
    },
  },
  calls(request) {
    asked.push(request)
    return Promise.resolve({ items: [] })
  },
  queue: () => ({ destinations: [], store: { used_bytes: 1, max_bytes: 2, full: null } }),
  logLevel: {
    level: () => level,
    set(next) {
      level = next
    },
  },
}

beforeEach(() => {
  asked = []
  level = 'info'
  const log = auditLog()
  lines = log.lines
  ask = asking(operatingRoutes(ports), log.options)
})

describe('/messages/statistics', () => {
  test.each([
    ['', 3_600_000],
    ['?window=1m', 60_000],
    ['?window=7d', 604_800_000],
  ])('%s is a window of %i ms', async (query, windowMs) => {
    expect((await ask('GET', `/messages/statistics${query}`)).status).toBe(200)
    expect(asked).toEqual([{ windowMs }])
  })

  test('is of one channel where it is named', async () => {
    await ask('GET', '/messages/statistics?channel_id=one')
    expect(asked).toEqual([{ windowMs: 3_600_000, channel_id: 'one' }])
  })

  test.each(['59s', '8d', 'hour', '1w'])('%s is no window', async (window) => {
    const answer = await ask('GET', `/messages/statistics?window=${window}`)
    expect(answer).toMatchObject({ status: 400, body: { code: 'request-invalid' } })
  })
})

test('/calls are filtered by channel, message and status', async () => {
  expect((await ask('GET', '/calls?channel_id=c&message_id=m&status=failed&limit=3')).status).toBe(200)
  expect(asked).toEqual([{ channel_id: 'c', message_id: 'm', status: 'failed', limit: 3 }])
  expect((await ask('GET', '/calls?status=unknown')).status).toBe(400)
})

test('/queue tells what waits', async () => {
  expect(await ask('GET', '/queue')).toMatchObject({ status: 200, body: { destinations: [], store: { max_bytes: 2 } } })
})

describe('/log/level', () => {
  test('is told, changed and audited', async () => {
    expect((await ask('GET', '/log/level')).body).toEqual({ level: 'info' })
    expect(await ask('PUT', '/log/level', { level: 'debug' })).toMatchObject({ status: 200, body: { level: 'debug' } })
    expect(level).toBe('debug')
    expect(lines).toMatchObject([{ action: 'log level', target: 'debug' }])
  })

  test.each([{}, { level: 'loud' }, { level: 'debug', more: 1 }])('%j changes nothing', async (body) => {
    expect((await ask('PUT', '/log/level', body)).status).toBe(400)
    expect(level).toBe('info')
  })
})
