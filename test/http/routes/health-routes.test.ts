import { expect, test } from 'vitest'
import { healthRoutes } from '../../../daemon/http/routes/health-routes.ts'
import { createTestServer } from '../fake-ports.ts'

const headers = { host: 'localhost' }

test('/healthz answers while the process runs', async () => {
  const { app } = createTestServer({ health: () => ({ ready: false, degraded: true, reasons: ['x'] }) })
  const answer = await app.inject({ url: '/healthz', headers })
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toEqual({ status: 'ok' })
})

test.each([
  [{ ready: true, degraded: false, reasons: [] }, 200, 'ready'],
  [{ ready: true, degraded: true, reasons: ['Upstream bus is down.'] }, 200, 'degraded'],
  [{ ready: false, degraded: false, reasons: ['The store takes no writes.'] }, 503, 'unready'],
  [{ ready: false, degraded: true, reasons: ['The store takes no writes.'] }, 503, 'unready'],
])('/readyz for %j is %i %s', async (report, code, status) => {
  const answer = await createTestServer({ health: () => report }).app.inject({ url: '/readyz', headers })
  expect(answer.statusCode).toBe(code)
  expect(answer.json()).toEqual({ status, reasons: report.reasons })
})

test('/readyz hides the reasons from callers without an identity', async () => {
  const health = () => ({ ready: true, degraded: true, reasons: ['Upstream bus is down.'] })
  const routes = [healthRoutes({ health, showReasons: () => false })]
  const answer = await createTestServer({}, { routes }).app.inject({ url: '/readyz', headers })
  expect(answer.json()).toEqual({ status: 'degraded', reasons: [] })
})

test('/readyz shows the reasons to callers with an identity', async () => {
  const health = () => ({ ready: true, degraded: true, reasons: ['Upstream bus is down.'] })
  const routes = [healthRoutes({ health, showReasons: () => false })]
  const authorize = () => Promise.resolve({ name: 'ops', admin: false })
  const answer = await createTestServer({ authorize }, { routes }).app.inject({ url: '/readyz', headers })
  expect(answer.json()).toEqual({ status: 'degraded', reasons: ['Upstream bus is down.'] })
})

test('answers probes by HEAD', async () => {
  const answer = await createTestServer().app.inject({ method: 'HEAD', url: '/readyz', headers })
  expect(answer.statusCode).toBe(200)
  expect(answer.body).toBe('')
})
