import { expect, test } from 'vitest'
import { EdgeError } from '../../../daemon/core/errors.ts'
import { HeldRoutes } from '../../../daemon/forward/destination/held-routes.ts'
import { REPLAY_ROUTE } from '../../../daemon/store/tables/held.ts'
import { cursorAt, FakeLog } from '../fake-log.ts'

const MISSING = new EdgeError('route-missing', 'there is no topic a')

/** A log whose held table has `counts` messages on each route. */
function logWith(counts: Readonly<Record<string, number>>): FakeLog {
  const log = new FakeLog()
  let seq = 0
  const held = Object.entries(counts).flatMap(([route, count]) =>
    Array.from({ length: count }, () => ({
      seq: ++seq,
      target: 0,
      replayedMs: null,
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

const seqs = (rows: readonly { seq: number }[]): number[] => rows.map(({ seq }) => seq)

test('routes that were held before a restart are held again, and are tried at once with one delivery each', () => {
  const routes = new HeldRoutes('cloud', logWith({ a: 3, b: 1 }))
  expect(routes.count).toBe(4)
  expect([routes.isHeld('a'), routes.isHeld('c')]).toEqual([true, false])
  expect(seqs(routes.nextProbe(0))).toEqual([1, 4])
})

test('a route is tried five seconds after it was closed, and then every five seconds', () => {
  const log = logWith({ a: 1 })
  const routes = new HeldRoutes('elsewhere', log)
  const own = new HeldRoutes('cloud', log)
  expect(routes.nextProbe(0)).toEqual([])
  expect(seqs(own.nextProbe(1_000))).toEqual([1])
  expect(own.nextProbe(5_999)).toEqual([])
  expect(seqs(own.nextProbe(6_000))).toEqual([1])
})

test('the first message that is held closes its route, with a reason', () => {
  const routes = new HeldRoutes('cloud', new FakeLog())
  expect(routes.isHeld('a')).toBe(false)
  routes.hold('a', MISSING, 1_000)
  routes.hold('a', undefined, 1_000)
  expect(routes.isHeld('a')).toBe(true)
  expect(routes.count).toBe(2)
  expect(routes.closedRoutes).toEqual(['a'])
  expect(routes.error).toBe(MISSING)
})

test('a route is open again when its last delivery has left', () => {
  const routes = new HeldRoutes('cloud', logWith({ a: 3 }))
  const rows = routes.any()
  routes.release(rows.slice(0, 2), 1)
  expect(routes.isHeld('a')).toBe(true)
  routes.release(rows.slice(2), 2)
  expect(routes.isHeld('a')).toBe(false)
  expect(routes.count).toBe(0)
})

test('what was handed over is not read back before it is confirmed', () => {
  const log = logWith({ a: 3_000 })
  const routes = new HeldRoutes('cloud', log)
  routes.nextProbe(0)
  const sent: number[] = []
  // The writer confirms nothing meanwhile, so the table still has every row.
  for (let number = 1; routes.count > 0; number++) {
    routes.probed('a', true, undefined)
    const rows = routes.nextProbe(1_000)
    sent.push(...seqs(rows))
    routes.release(rows, number)
  }
  expect(sent).toEqual(Array.from({ length: 3_000 }, (_one, index) => index + 1))
  expect(routes.isHeld('a')).toBe(false)
})

test('a delivery that is held again on another route, or replayed, is another one than what was released', () => {
  const log = logWith({ a: 1 })
  const routes = new HeldRoutes('cloud', log)
  routes.release(routes.any(), 1)
  routes.hold('b', MISSING, 0)
  const [row] = log.heldRows
  if (row === undefined) throw new Error('nothing is held')
  expect(routes.nextProbe(5_000)).toEqual([])
  // Its rows are in the table once the release has been committed, whether or not the loop knows.
  log.heldRows = [{ ...row, route: 'b' }]
  expect(seqs(routes.nextProbe(10_000))).toEqual([1])
  log.heldRows = [{ ...row, route: REPLAY_ROUTE, replayedMs: 1 }]
  routes.lookForReplays()
  expect(seqs(routes.nextProbe(10_000))).toEqual([1])
})

test('every route has its turn, however many there are', () => {
  const names = Array.from({ length: 300 }, (_one, index) => `route-${index}`)
  const routes = new HeldRoutes('cloud', logWith(Object.fromEntries(names.map((name) => [name, 2]))))
  const tried = new Set<string>()
  for (let nowMs = 0; nowMs < 5_000; nowMs += 500) for (const { route } of routes.nextProbe(nowMs)) tried.add(route)
  expect(tried.size).toBe(300)
})
