import { expect, test } from 'vitest'
import { EdgeError } from '../../../daemon/core/errors.ts'
import { subscriptionsRoutes } from '../../../daemon/http/routes/subscriptions-routes.ts'
import type { SubscriptionPort } from '../../../daemon/operations/subscriptions.ts'
import { asking } from '../ask.ts'

const port: SubscriptionPort = {
  create({ channel_id: channel, callback_url: url }) {
    if (channel !== 'one') return Promise.reject(new EdgeError('not-found', 'There is none.'))
    return Promise.resolve(
      url === undefined ? { subscription_id: 'one' } : { subscription_id: 'sub', secret: 'whsec_x' },
    )
  },
  list: () => ({ items: [] }),
  remove: (id) => (id === 'sub' ? Promise.resolve() : Promise.reject(new EdgeError('not-found', 'There is none.'))),
}
const ask = asking(subscriptionsRoutes(port))

test('subscribing returns the URLs of the channel, with the host name that the caller used', async () => {
  expect(await ask('POST', '/messages/subscribe', { channel_id: 'one' })).toMatchObject({
    status: 201,
    body: {
      subscription_id: 'one',
      websocket_url: 'ws://localhost/ws/one',
      stream_url: 'http://localhost/messages/stream?channel_id=one',
    },
  })
})

test('only a subscription with a callback has a secret', async () => {
  const plain = await ask('POST', '/messages/subscribe', { channel_id: 'one' })
  expect(plain.body).not.toHaveProperty('secret')
  const callback = await ask('POST', '/messages/subscribe', { channel_id: 'one', callback_url: 'https://a.example/' })
  expect(callback.body).toMatchObject({ subscription_id: 'sub', secret: 'whsec_x' })
})

test('answers 404 for an unknown channel and 400 for invalid input', async () => {
  expect((await ask('POST', '/messages/subscribe', { channel_id: 'two' })).status).toBe(404)
  expect(await ask('POST', '/messages/subscribe', {})).toMatchObject({ status: 400, body: { field: '/channel_id' } })
  expect((await ask('DELETE', '/subscriptions/other')).status).toBe(404)
  expect((await ask('DELETE', '/subscriptions/sub')).status).toBe(204)
  expect(await ask('GET', '/subscriptions')).toMatchObject({ status: 200, body: { items: [] } })
})
