import { expect, test } from 'vitest'
import { callsRoute } from '../../../daemon/http/routes/calls-route.ts'
import { asking } from '../ask.ts'

test('/calls can be filtered by channel, message and status', async () => {
  const requests: unknown[] = []
  const ask = asking(
    callsRoute((request) => {
      requests.push(request)
      return Promise.resolve({ items: [] })
    }),
  )
  expect((await ask('GET', '/calls?channel_id=c&message_id=m&status=error&limit=3')).status).toBe(200)
  expect(requests).toEqual([{ channel_id: 'c', message_id: 'm', status: 'error', limit: 3 }])
  expect((await ask('GET', '/calls?status=unknown')).status).toBe(400)
})
