import { expect, test } from 'vitest'
import type { ConnectionsStatus } from '../../../daemon/operations/connections.ts'
import { createTestServer } from '../fake-ports.ts'

test('/connections/status returns the answer of the port', async () => {
  const status: ConnectionsStatus = {
    broker: { clients: 2, listeners: ['mqtt://127.0.0.1:1883'] },
    devices: [{ clientId: 'd1' }],
    upstreams: [
      { name: 'events', protocol: 'kafka', state: 'connected', since: '2026-11-23T10:00:00.000Z', lastError: null },
    ],
    sensors: [{ name: 'boiler' }],
    streams: [],
  }
  const { app } = createTestServer({ connections: () => status })
  const answer = await app.inject({ url: '/connections/status', headers: { host: 'localhost' } })
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toEqual(status)
})
