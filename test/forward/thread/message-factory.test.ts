import { describe, expect, test } from 'vitest'
import { forwarding, publishes, RoutingWorld, sentOf, v2 } from '../../verdict/routing-world.ts'

const DATA = 'device/{id}/data'

describe('each forwarded message carries', () => {
  const SCHEMA = { name: 'Reading', contentType: 'application/json' }
  const STANDARD = {
    'message-id': 'edge:store:1',
    'source-topic': 'device/1/data',
    'received-at': '2026-01-01T00:00:00.000Z',
    clock: 'synced',
    document: 'Doc@1',
    message: 'Reading',
    gateway: 'edge',
    'client-id': 'client-1',
    'content-type': 'application/json',
  }
  const document = v2({ [DATA]: publishes(SCHEMA) })

  test('the headers of the contract, and no others', () => {
    expect(sentOf(document, 'device/1/data').headers).toEqual(STANDARD)
  })

  test('the device’s own headers, prefixed where they clash', () => {
    const own = { zone: 'b', 'message-id': 'forged', gateway: 'x', valid: 'false', errors: '[]' }
    expect(sentOf(document, 'device/1/data', {}, { headers: own }).headers).toEqual({
      ...STANDARD,
      zone: 'b',
      'device-message-id': 'forged',
      'device-gateway': 'x',
      'device-valid': 'false',
      'device-errors': '[]',
    })
  })

  test.each(['tag', 'pass'])('with onInvalid: %s a device’s own errors are not the gateway’s', (onInvalid) => {
    const invalid = v2({ [DATA]: publishes({ payload: { type: 'string' } }, { 'x-bridge': { onInvalid } }) })
    const { headers } = sentOf(invalid, 'device/1/data', {}, { headers: { errors: 'own', valid: 'true' } })
    expect(headers).toMatchObject({ valid: 'false', 'device-errors': 'own', 'device-valid': 'true' })
    expect('errors' in headers).toBe(onInvalid === 'tag')
  })

  test('headers of x-bridge, which replace none of the gateway’s; a device’s own of the same name are prefixed', () => {
    const more = { headers: { plant: 'p{id}', 'message-id': 'x', zone: '{$message.payload#/zone}' } }
    const { headers } = sentOf(forwarding(more), 'device/1/data', { zone: 'a/b' }, { headers: { zone: 'own' } })
    expect(headers).toMatchObject({ 'message-id': 'edge:store:1', plant: 'p1', zone: 'a/b', 'device-zone': 'own' })
  })

  test('no message where the channel describes none', () => {
    const { headers } = sentOf(v2({ [DATA]: {} }), 'device/1/data', 'anything')
    expect(headers).not.toHaveProperty('message')
    expect(headers).toMatchObject({ document: 'Doc@1' })
  })

  test('no document where none describes the topic', () => {
    const world = new RoutingWorld({ documents: [], unmatched: 'pass' })
    const [sent] = world.publish('device/1/data').sent
    const missing = ['document', 'message', 'content-type']
    const headers = Object.fromEntries(Object.entries(STANDARD).filter(([name]) => !missing.includes(name)))
    expect(sent).toMatchObject({ to: 'events', headers })
    for (const name of missing) expect(sent).not.toHaveProperty(['headers', name])
  })
})
