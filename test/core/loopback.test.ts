import { expect, test } from 'vitest'
import { isLoopback } from '../../daemon/core/loopback.ts'

test.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1'])(
  '%s is reached from this machine only',
  (host) => expect(isLoopback(host)).toBe(true),
)

test.each(['', '0.0.0.0', '::', '10.0.0.1', '::ffff:10.0.0.1', '127.0.0.1.example.com', 'localhost.example.com'])(
  '%j may be reached from elsewhere',
  (host) => expect(isLoopback(host)).toBe(false),
)
