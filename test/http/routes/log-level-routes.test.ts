import { beforeEach, expect, test } from 'vitest'
import { logLevelRoutes } from '../../../daemon/http/routes/log-level-routes.ts'
import { asking, auditLog, type Ask } from '../ask.ts'

let level: string
let lines: Record<string, unknown>[]
let ask: Ask

beforeEach(() => {
  level = 'info'
  const log = auditLog()
  lines = log.lines
  const port = {
    level: () => level,
    set(next: string) {
      level = next
    },
  }
  ask = asking(logLevelRoutes(port), log.options)
})

test('/log/level reads and changes the level, and a change is audited', async () => {
  expect((await ask('GET', '/log/level')).body).toEqual({ level: 'info' })
  expect(await ask('PUT', '/log/level', { level: 'debug' })).toMatchObject({ status: 200, body: { level: 'debug' } })
  expect(level).toBe('debug')
  expect(lines).toMatchObject([{ action: 'log level', target: 'debug' }])
})

test.each([{}, { level: 'loud' }, { level: 'debug', more: 1 }])('refuses %j and changes nothing', async (body) => {
  expect((await ask('PUT', '/log/level', body)).status).toBe(400)
  expect(level).toBe('info')
})
