import { expect, test } from 'vitest'
import { Counter } from '../../daemon/telemetry/counters.ts'
import { createMetrics } from '../../daemon/telemetry/metrics.ts'

test('metrics read the counts that are kept elsewhere, at the time of asking', async () => {
  const received = new Counter()
  let clients = 1
  const metrics = createMetrics([
    {
      name: 'messages_received_total',
      help: 'Messages received.',
      type: 'counter',
      labelNames: ['channel'],
      read: () => [...received.entries()].map(([channel, value]) => ({ labels: { channel }, value })),
    },
    { name: 'clients', help: 'Connected clients.', type: 'gauge', read: () => [{ value: clients }] },
  ])
  received.inc('device/{id}/data', 5)
  await metrics.text()
  received.inc('device/{id}/data')
  clients = 7
  const text = await metrics.text()
  expect(text).toContain('stepflow_messages_received_total{channel="device/{id}/data"} 6')
  expect(text).toContain('# TYPE stepflow_messages_received_total counter')
  expect(text).toContain('stepflow_clients 7')
  expect(metrics.contentType).toContain('text/plain')
})

test('the process shows its memory and the lag of its event loop', async () => {
  const text = await createMetrics([]).text()
  expect(text).toContain('stepflow_process_resident_memory_bytes')
  expect(text).toContain('stepflow_nodejs_eventloop_lag_p99_seconds')
})

test('two registries do not share anything', async () => {
  createMetrics([{ name: 'x', help: 'x', type: 'gauge', read: () => [{ value: 1 }] }])
  const other = createMetrics([{ name: 'x', help: 'x', type: 'gauge', read: () => [{ value: 2 }] }])
  expect(await other.text()).toContain('stepflow_x 2')
})

test.each(['counter', 'gauge'] as const)('the series of a %s are bounded, and their sum stays right', async (type) => {
  const read = () => Array.from({ length: 2_000 }, (_, i) => ({ labels: { client: `c${i}` }, value: 1 }))
  const text = await createMetrics([{ name: 'busy', help: 'x', type, labelNames: ['client'], read }]).text()
  const lines = text.split('\n').filter((line) => line.startsWith('stepflow_busy{'))
  expect(lines).toHaveLength(501)
  expect(lines).toContain('stepflow_busy{client="other"} 1500')
})
