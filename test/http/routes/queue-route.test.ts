import { expect, test } from 'vitest'
import { queueRoute } from '../../../daemon/http/routes/queue-route.ts'
import { queuePort } from '../../../daemon/operations/queue.ts'
import { destination } from '../../operations/destination.ts'
import { asking } from '../ask.ts'

const ask = asking(
  queueRoute(
    queuePort({
      settings: () => ({ upstreams: { events: {} }, store: { directory: '/nowhere', maxBytes: 2 } }) as never,
      store: { full: undefined } as never,
      forwarder: {
        destinations: [
          destination(),
          destination({ name: 'old', state: 'stopped', queued: 7, held: 2, heldRoutes: ['t'] }),
        ],
        discard: () => Promise.resolve(7),
      },
    }),
  ),
)

test('/queue returns the destinations and the store', async () => {
  expect(await ask('GET', '/queue')).toMatchObject({
    status: 200,
    body: {
      destinations: [{ name: 'events' }, { name: 'old', queued: 7, held: 2, held_routes: ['t'] }],
      store: { max_bytes: 2 },
    },
  })
})

test('the messages of a destination that is no longer configured are discarded by name', async () => {
  expect(await ask('DELETE', '/queue/old')).toMatchObject({ status: 200, body: { discarded: 7 } })
})

test('the messages of a configured or unknown destination are not discarded', async () => {
  expect(await ask('DELETE', '/queue/events')).toMatchObject({ status: 409, body: { code: 'destination-configured' } })
  expect(await ask('DELETE', '/queue/never')).toMatchObject({ status: 404, body: { code: 'not-found' } })
})
