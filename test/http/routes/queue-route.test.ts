import { expect, test } from 'vitest'
import { queueRoute } from '../../../daemon/http/routes/queue-route.ts'
import { asking } from '../ask.ts'

test('/queue returns the destinations and the store', async () => {
  const ask = asking(queueRoute(() => ({ destinations: [], store: { used_bytes: 1, max_bytes: 2, full: null } })))
  expect(await ask('GET', '/queue')).toMatchObject({ status: 200, body: { destinations: [], store: { max_bytes: 2 } } })
})
