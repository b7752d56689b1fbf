import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../servers/kafka.ts'
import { freePort, portOf } from '../servers/ports.ts'
import { startTcpProxy, type TcpProxy } from '../servers/tcp-proxy.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { expectExactlyOnceById } from '../support/fault-verdict.ts'
import { createTopic, kafkaArrivals } from '../support/kafka-reader.ts'
import { startFleet, type Fleet } from '../support/publisher.ts'
import { sized } from '../support/soak.ts'

const CLIENTS = 10
const EACH = 1_000
const TOTAL = CLIENTS * EACH
const OUTAGE_MS = sized(60_000, 600_000)
const LIMIT_MS = OUTAGE_MS + 100_000

let kafka: KafkaServer
let proxy: TcpProxy
let daemon: DaemonProcess
let topics = 0
let topic = ''

beforeAll(async () => {
  const port = await freePort()
  kafka = await startKafka({ advertisedPorts: [port] })
  proxy = await startTcpProxy(portOf(kafka.brokers[0]), port)
})
afterAll(async () => {
  await proxy.close()
  await kafka.stopAll()
})

beforeEach(async () => {
  topics++
  topic = `faults-${topics}`
  await createTopic(kafka.brokers, topic, 4)
  daemon = await DaemonProcess.create({
    settings: {
      upstreams: {
        events: { protocol: 'kafka', brokers: [proxy.address], deadline: '3s', retry: { min: '100ms', max: '1s' } },
      },
      routes: [{ from: 'device/{deviceId}/data', to: 'events', topic, key: '{deviceId}' }],
    },
  })
  await daemon.start()
})
afterEach(async () => {
  proxy.fault = 'none'
  await daemon.remove()
})

async function verdict(fleet: Fleet): Promise<void> {
  await daemon.drained('events', 90_000)
  const arrivals = await kafkaArrivals(kafka.brokers, topic)
  fleet.close()
  expect(fleet.acknowledged()).toBe(TOTAL)
  expectExactlyOnceById(fleet.publishers, arrivals)
}

const delivered = async (): Promise<number> => (await daemon.upstream('events'))?.delivered ?? 0

async function sees(states: readonly string[], limitMs: number): Promise<void> {
  let last = ''
  await waitUntil(
    () => `the upstream is ${states.join(' or ')}, now ${last}\n${daemon.log().slice(-2_000)}`,
    async () => {
      last = (await daemon.upstream('events'))?.state ?? ''
      return states.includes(last)
    },
    limitMs,
  )
}

test('row 3: kill -9 while forwarding to Kafka: at least once, under the same id, in order', async () => {
  // QoS 2, so that no message is stored twice because its device had to send it again.
  const fleet = startFleet(CLIENTS, { port: daemon.mqttPort, qos: 2 })
  const published = fleet.publishTo(EACH)
  for (let kill = 1; kill <= 10; kill++) {
    await fleet.reached((TOTAL * kill) / 11)
    await daemon.kill()
    await daemon.start()
  }
  await published
  await verdict(fleet)
})

test(
  'row 12: while the upstream is down devices do not notice, and everything drains afterwards',
  async () => {
    const fleet = startFleet(CLIENTS, { port: daemon.mqttPort, qos: 1 })
    await fleet.publishTo(EACH / 10)
    await waitUntil(
      () => 'some messages are delivered',
      async () => (await delivered()) > 0,
    )
    proxy.fault = 'refuse'
    proxy.sever()
    const end = performance.now() + OUTAGE_MS
    for (let step = 2; step <= 10; step++) {
      await fleet.publishTo((EACH * step) / 10)
      await sleep(Math.max(0, (end - performance.now()) / (11 - step)))
    }
    await sees(['disconnected'], 30_000)
    const ready = (await (await daemon.get('/readyz')).json()) as { status: string }
    expect(ready.status).toBe('degraded')
    expect(fleet.acknowledged()).toBe(TOTAL)
    expect(fleet.publishers.map((one) => one.breaks)).toEqual(fleet.publishers.map(() => 0))
    proxy.fault = 'none'
    await verdict(fleet)
    await sees(['connected'], 30_000)
  },
  LIMIT_MS,
)

test.each(['stopped', 'swallowed by the network'] as const)(
  'row 13: a mute upstream, %s, is noticed and sent to again',
  async (how) => {
    const fleet = startFleet(CLIENTS, { port: daemon.mqttPort, qos: 1 })
    await fleet.publishTo(EACH / 2)
    await waitUntil(
      () => 'some messages are delivered',
      async () => (await delivered()) > 0,
    )
    if (how === 'stopped') kafka.pause(0)
    else proxy.fault = 'swallow'
    try {
      await fleet.publishTo(EACH)
      await sees(['stalled', 'disconnected', 'degraded'], 30_000)
    } finally {
      kafka.resume(0)
      proxy.fault = 'none'
    }
    await verdict(fleet)
  },
)

test('row 14: answers cut off after the bytes were sent make duplicates only, under the same id', async () => {
  const fleet = startFleet(CLIENTS, { port: daemon.mqttPort, qos: 1 })
  for (let cut = 1; cut <= 10; cut++) {
    const before = await delivered()
    const published = fleet.publishTo((EACH * cut) / 10)
    await waitUntil(
      () => `delivery goes on after cut ${cut - 1}`,
      async () => (await delivered()) > before,
    )
    proxy.fault = 'cut-answers'
    await published
    await fleet.publishTo(Math.min(EACH, (EACH * cut) / 10 + 20))
    if (fleet.acknowledged() < TOTAL)
      await waitUntil(
        () => `cut ${cut} is noticed\n${daemon.log().slice(-2_000)}`,
        async () => (await daemon.upstream('events'))?.state === 'disconnected',
      )
    proxy.fault = 'none'
  }
  await verdict(fleet)
})
