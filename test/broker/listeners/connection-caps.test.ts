import { PassThrough } from 'node:stream'
import { beforeEach, expect, test } from 'vitest'
import type { BrokerConnection } from '../../../daemon/broker/listeners/broker-connection.ts'
import { ConnectionCaps } from '../../../daemon/broker/listeners/connection-caps.ts'

let limits: { maxConnections: number; maxConnectionsPerIp: number }
let caps: ConnectionCaps

beforeEach(() => {
  limits = { maxConnections: 4, maxConnectionsPerIp: 2 }
  caps = new ConnectionCaps(limits)
})

function connection(remoteAddress?: string): BrokerConnection {
  return Object.assign(new PassThrough(), { remoteAddress })
}

async function close(one: BrokerConnection): Promise<void> {
  await new Promise<void>((resolve) => {
    one.once('close', resolve)
    one.destroy()
  })
}

function admit(...addresses: (string | undefined)[]): boolean[] {
  return addresses.map((address) => caps.admit(connection(address)))
}

test('connections of one address beyond its limit are refused and counted', () => {
  expect(admit('10.0.0.1', '10.0.0.1', '10.0.0.1', '10.0.0.2')).toEqual([true, true, false, true])
  expect([caps.connections, caps.refused]).toEqual([3, 1])
})

test('connections beyond the limit of all are refused, whatever their address', () => {
  expect(admit('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4')).toEqual([true, true, true, true])
  expect(admit('10.0.0.5', '127.0.0.1')).toEqual([false, false])
  expect(caps.refused).toBe(2)
})

test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1'])('the limit of one address does not hold for %s', (address) => {
  expect(admit(address, address, address)).toEqual([true, true, true])
})

test('connections whose address is unknown share one limit', () => {
  expect(admit(undefined, undefined, undefined)).toEqual([true, true, false])
})

test('a closed connection makes room for another of its address', async () => {
  const [first, second] = [connection('10.0.0.1'), connection('10.0.0.1')]
  expect([caps.admit(first), caps.admit(second)]).toEqual([true, true])
  await close(first)
  expect(caps.connections).toBe(1)
  expect(admit('10.0.0.1', '10.0.0.1')).toEqual([true, false])
  await close(second)
  expect(admit('10.0.0.1')).toEqual([true])
})

test('a refused connection frees no place when it closes', async () => {
  admit('10.0.0.1', '10.0.0.1')
  const refused = connection('10.0.0.1')
  expect(caps.admit(refused)).toBe(false)
  refused.resume()
  await close(refused)
  expect(caps.connections).toBe(2)
  expect(admit('10.0.0.1')).toEqual([false])
})

test('changed limits hold for the next connection', () => {
  admit('10.0.0.1', '10.0.0.1')
  limits.maxConnectionsPerIp = 3
  expect(admit('10.0.0.1')).toEqual([true])
  limits.maxConnections = 3
  expect(admit('10.0.0.2')).toEqual([false])
})
