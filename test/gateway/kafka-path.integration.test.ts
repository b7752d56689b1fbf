import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../servers/kafka.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { headerTexts, readTopic } from '../support/kafka-reader.ts'
import { connectClient } from '../support/mqtt-client.ts'

const VALID = '{"temperature":21.5,"humidity":40}'

describe('with a Kafka upstream', () => {
  let kafka: KafkaServer
  beforeAll(async () => {
    kafka = await startKafka()
  })
  afterAll(() => kafka.stopAll())

  test('the record is in device.data with key 42, every header of the contract, and the time of receipt', async () => {
    const own = await DaemonProcess.create({
      settings: { upstreams: { events: { protocol: 'kafka', brokers: kafka.brokers } } },
    })
    await own.start()
    try {
      const before = Date.now()
      const client = await connectClient(own.mqttPort, { clientId: 'thermo' })
      await client.publishAsync('device/42/data', VALID, { qos: 1 })
      const after = Date.now()
      await waitUntil(
        () => `it is delivered\n${own.log().slice(-2_000)}`,
        async () => (await own.upstream('events'))?.delivered === 1,
      )
      const [record, ...others] = await readTopic(kafka.brokers, 'device.data')
      expect(others).toEqual([])
      expect(record?.key).toBe('42')
      expect(record?.value?.toString()).toBe(VALID)
      const headers = headerTexts(record?.headers ?? {})
      expect(headers).toEqual({
        'message-id': expect.stringMatching(/^edge-1:[0-9a-f]{12}:1$/),
        'source-topic': 'device/42/data',
        'received-at': new Date(Number(record?.timestamp)).toISOString(),
        clock: 'synced',
        document: 'Device API@1.0.0',
        message: 'DeviceData',
        gateway: 'edge-1',
        'client-id': 'thermo',
        'content-type': 'application/json',
      })
      expect(Number(record?.timestamp)).toBeGreaterThanOrEqual(before)
      expect(Number(record?.timestamp)).toBeLessThanOrEqual(after)
      await client.endAsync()
    } finally {
      await own.remove()
    }
  })
})
