import { beforeEach, expect, test } from 'vitest'
import { statisticsRoute } from '../../../daemon/http/routes/statistics-route.ts'
import { asking, type Ask } from '../ask.ts'

let requests: unknown[]
let ask: Ask

beforeEach(() => {
  requests = []
  ask = asking(
    statisticsRoute({
      read(request) {
        requests.push(request)
        return Promise.resolve({ window: '1h' } as never)
      },
    }),
  )
})

test.each([
  ['', 3_600_000],
  ['?window=1m', 60_000],
  ['?window=7d', 604_800_000],
])('/messages/statistics%s has a window of %i ms', async (query, windowMs) => {
  expect((await ask('GET', `/messages/statistics${query}`)).status).toBe(200)
  expect(requests).toEqual([{ windowMs }])
})

test('statistics can be those of one channel', async () => {
  await ask('GET', '/messages/statistics?channel_id=one')
  expect(requests).toEqual([{ windowMs: 3_600_000, channel_id: 'one' }])
})

test.each(['59s', '8d', 'hour', '1w'])('refuses the window %s', async (window) => {
  const answer = await ask('GET', `/messages/statistics?window=${window}`)
  expect(answer).toMatchObject({ status: 400, body: { code: 'request-invalid' } })
})
