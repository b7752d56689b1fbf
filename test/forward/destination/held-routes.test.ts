import { expect, test } from 'vitest'
import { EdgeError } from '../../../daemon/core/errors.ts'
import { HeldRoutes } from '../../../daemon/forward/destination/held-routes.ts'
import { cursorAt, FakeLog } from '../fake-log.ts'

const MISSING = new EdgeError('route-missing', 'there is no topic a')

/** A log whose held table has `counts` messages on each route. */
function logWith(counts: Readonly<Record<string, number>>): FakeLog {
  const log = new FakeLog()
  let seq = 0
  const held = Object.entries(counts).flatMap(([route, count]) =>
    Array.from({ length: count }, () => ({
      seq: ++seq,
      route,
      epoch: 1,
      boot: 1,
      sinceRunningMs: 0,
      record: Buffer.alloc(0),
    })),
  )
  log.apply({ cursor: cursorAt('cloud', 1), deadLetters: [], held, released: [], lost: [] })
  return log
}

test('routes that were held before a restart are held again, and are due at once', () => {
  const routes = new HeldRoutes('cloud', logWith({ a: 3, b: 1 }))
  expect(routes.count).toBe(4)
  expect([routes.isHeld('a'), routes.isHeld('c')]).toEqual([true, false])
  expect(routes.nextDue(0)).toMatchObject({ route: 'a', rows: [{ seq: 1 }, { seq: 2 }, { seq: 3 }] })
})

test('a route is tried five seconds after it was closed, and then every five seconds', () => {
  const log = logWith({ a: 1 })
  const routes = new HeldRoutes('elsewhere', log)
  const own = new HeldRoutes('cloud', log)
  expect(routes.nextDue(0)).toBeUndefined()
  expect(own.nextDue(1_000)?.route).toBe('a')
  expect(own.nextDue(5_999)).toBeUndefined()
  expect(own.nextDue(6_000)?.route).toBe('a')
})

test('the first message that is held closes its route, with a reason', () => {
  const routes = new HeldRoutes('cloud', new FakeLog())
  expect(routes.isHeld('a')).toBe(false)
  routes.hold('a', MISSING, 1_000)
  routes.hold('a', undefined, 1_000)
  expect(routes.isHeld('a')).toBe(true)
  expect(routes.count).toBe(2)
  expect(routes.error).toBe(MISSING)
})

test('a route is open again when its last message has left', () => {
  const routes = new HeldRoutes('cloud', logWith({ a: 3 }))
  routes.release('a', 2, false)
  expect(routes.isHeld('a')).toBe(true)
  routes.release('a', 1, false)
  expect(routes.isHeld('a')).toBe(false)
  expect(routes.count).toBe(0)
})

test('a route that is opening is tried again at once', () => {
  const routes = new HeldRoutes('cloud', logWith({ a: 3 }))
  routes.nextDue(1_000)
  routes.release('a', 1, true)
  expect(routes.nextDue(1_001)?.route).toBe('a')
})
