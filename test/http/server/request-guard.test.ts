import { describe, expect, test } from 'vitest'
import { createRequestGuard } from '../../../daemon/http/server/request-guard.ts'

const guard = createRequestGuard(['Gateway.local', 'edge.example.com:8443'])
const check = (host: string | undefined, origin?: string, localAddress = '192.168.1.5') =>
  guard({ host, origin, localAddress })?.code

describe('the Host of a request', () => {
  test.each([
    'localhost',
    'LOCALHOST:8080',
    '127.0.0.1:8080',
    '127.1.2.3',
    '[::1]:8080',
    'gateway.local',
    'gateway.LOCAL:80',
    'edge.example.com',
    '192.168.1.5:8080',
  ])('%s is ours', (host) => {
    expect(check(host)).toBeUndefined()
  })

  test.each([
    undefined,
    '',
    'evil.example.com',
    'localhost.evil.example.com',
    '127.0.0.1.evil.example.com',
    '192.168.1.6',
    'gateway.local:80:80',
    'user@localhost',
    'localhost/',
    '[::1',
    '0.0.0.0',
  ])('%s is refused', (host) => {
    expect(check(host)).toBe('host-unknown')
  })

  test('accepts our IPv4 address if the socket reports it in IPv6 form', () => {
    expect(check('192.168.1.5', undefined, '::ffff:192.168.1.5')).toBeUndefined()
  })
})

describe('the Origin of a request', () => {
  test('accepts our own page', () => {
    expect(check('localhost:8080', 'http://localhost:8080')).toBeUndefined()
    expect(check('gateway.local', 'https://gateway.local')).toBeUndefined()
  })

  test.each([
    'http://evil.example.com',
    'null',
    'http://localhost:9999',
    'http://localhost',
    'file://localhost:8080',
    'http://localhost:8080.evil.example.com',
    '',
  ])('%s is foreign', (origin) => {
    expect(check('localhost:8080', origin)).toBe('origin-foreign')
  })
})
