import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KafkaAdapter } from '../../../daemon/protocols/kafka/kafka-adapter.ts'
import type { KafkaConfig } from '../../../daemon/protocols/kafka/kafka-config.ts'
import { type KafkaServer, startKafka } from '../../servers/kafka.ts'
import { freePort } from '../../servers/ports.ts'
import { outgoing, range } from '../outgoing.ts'
import { KafkaObserver, connectedAdapter } from './kafka-subject.ts'

const DEADLINE_MS = 5000
const alice = { username: 'alice', password: 'alice-pw' }

describe('KafkaAdapter and a secured broker', () => {
  let kafka: KafkaServer
  let secured: NonNullable<KafkaServer['secured']>
  let observer: KafkaObserver
  let open: string
  let closed: string
  let closedPort: number

  beforeAll(async () => {
    kafka = await startKafka({ security: true })
    if (kafka.secured === undefined) throw new Error('not secured')
    secured = kafka.secured
    observer = new KafkaObserver(kafka.brokers)
    await observer.admin.connect()
    open = await observer.newTopic()
    closed = await observer.newTopic()
    await allow(open)
    closedPort = await freePort()
  })
  afterAll(async () => {
    await observer.admin.disconnect()
    await kafka.stopAll()
  })

  test.each([
    ['PLAIN', () => ({ brokers: [secured.saslPlaintext], sasl: { mechanism: 'plain' as const, ...alice } })],
    [
      'SCRAM-SHA-256',
      () => ({ brokers: [secured.saslPlaintext], sasl: { mechanism: 'scram-sha-256' as const, ...alice } }),
    ],
    [
      'SCRAM-SHA-512 over TLS',
      () => ({ brokers: [secured.saslSsl], sasl: { mechanism: 'scram-sha-512' as const, ...alice }, tls: trusting() }),
    ],
    [
      'PLAIN over TLS under another name',
      () => ({
        brokers: [secured.saslSsl],
        sasl: { mechanism: 'plain' as const, ...alice },
        tls: { ...trusting(), serverName: 'localhost' },
      }),
    ],
    [
      'a client certificate',
      () => ({
        brokers: [secured.mutualTls],
        tls: { ...trusting(), cert: secured.certificates.client.cert, key: secured.certificates.client.key },
      }),
    ],
  ])('%s is let in', async (_name, config) => {
    const adapter = await connectedAdapter(config())
    expect(await adapter.publish(open, [outgoing(1)])).toEqual([{ status: 'accepted' }])
    await adapter.disconnect()
  })

  test.each<[string, string, () => Partial<KafkaConfig> & { brokers: string[] }]>([
    [
      'a wrong password',
      'upstream-auth',
      () => ({ brokers: [secured.saslPlaintext], sasl: { mechanism: 'plain', username: 'alice', password: 'no' } }),
    ],
    [
      'a wrong SCRAM password',
      'upstream-auth',
      () => ({
        brokers: [secured.saslPlaintext],
        sasl: { mechanism: 'scram-sha-512', username: 'alice', password: 'no' },
      }),
    ],
    [
      'a mechanism that is not enabled',
      'upstream-auth',
      () => ({
        brokers: [secured.saslPlaintext],
        sasl: { mechanism: 'oauthbearer', token: () => Promise.resolve('x') },
      }),
    ],
    ['no SASL before a SASL port', 'upstream-protocol', () => ({ brokers: [secured.saslPlaintext] })],
    [
      'SASL before a plain port',
      'upstream-protocol',
      () => ({ brokers: kafka.brokers, sasl: { mechanism: 'plain', ...alice } }),
    ],
    ['a wrong CA', 'upstream-tls', () => ({ brokers: [secured.mutualTls], tls: { ca: secured.certificates.otherCa } })],
    ['no client certificate', 'upstream-tls', () => ({ brokers: [secured.mutualTls], tls: trusting() })],
    [
      'a name that is not in the certificate',
      'upstream-tls',
      () => ({ brokers: [secured.mutualTls], tls: { ...trusting(), serverName: 'kafka.example' } }),
    ],
    ['no TLS before a TLS port', 'upstream-protocol', () => ({ brokers: [secured.mutualTls] })],
    ['a closed port', 'upstream-unreachable', () => ({ brokers: [`127.0.0.1:${closedPort}`] })],
    ['a host that does not exist', 'upstream-unreachable', () => ({ brokers: ['kafka.invalid:9092'] })],
  ])('%s is known at once as %s', async (_name, code, config) => {
    const adapter = new KafkaAdapter()
    const began = performance.now()
    await expect(adapter.connect({ clientId: 'edge-1', deadlineMs: DEADLINE_MS, ...config() })).rejects.toMatchObject({
      code,
      retryable: true,
    })
    expect(performance.now() - began).toBeLessThan(2000)
    await adapter.disconnect()
  })

  test('a forbidden topic holds its own messages only, and is delivered once it is allowed', async () => {
    const adapter = await connectedAdapter({ brokers: [secured.saslPlaintext], sasl: { mechanism: 'plain', ...alice } })
    const messages = range(1, 20).map((n) => outgoing(n, { address: n % 2 === 0 ? open : closed }))
    for (let round = 0; round < 2; round += 1) {
      for (const [index, outcome] of (await adapter.publish(null, messages)).entries()) {
        if (index % 2 === 0) expect(outcome).toMatchObject({ status: 'kept', error: { code: 'route-forbidden' } })
        else expect(outcome).toEqual({ status: 'accepted' })
      }
    }
    await allow(closed)
    await expect
      .poll(async () => (await adapter.publish(closed, [outgoing(1)]))[0]?.status, { timeout: 10_000, interval: 200 })
      .toBe('accepted')
    await adapter.disconnect()
  })

  test('a permission that is taken away at run time holds that topic only', async () => {
    const topic = await observer.newTopic()
    await allow(topic)
    const adapter = await connectedAdapter({ brokers: [secured.saslPlaintext], sasl: { mechanism: 'plain', ...alice } })
    const messages = [outgoing(1, { address: topic }), outgoing(2, { address: open })]
    expect(await adapter.publish(null, messages)).toEqual([{ status: 'accepted' }, { status: 'accepted' }])
    await observer.admin.deleteAcls({ filters: [{ ...acl(topic), operation: 1 }] })
    await expect
      .poll(() => adapter.publish(null, messages), { timeout: 10_000, interval: 200 })
      .toMatchObject([{ status: 'kept', error: { code: 'route-forbidden' } }, { status: 'accepted' }])
    await adapter.disconnect()
  })

  function trusting() {
    return { ca: secured.certificates.ca }
  }

  /** Write and describe, for both names that alice logs in under. */
  async function allow(topic: string): Promise<void> {
    await observer.admin.createAcls({ acl: [acl(topic), acl(topic, 'User:CN=alice')] })
  }

  function acl(topic: string, principal = 'User:alice') {
    return {
      resourceType: 2,
      resourceName: topic,
      resourcePatternType: 3,
      principal,
      host: '*',
      operation: 4,
      permissionType: 3,
    }
  }
})
