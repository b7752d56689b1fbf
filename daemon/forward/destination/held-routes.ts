import type { EdgeError } from '../../core/errors.ts'
import type { LogReader } from '../../store/log/log-reader.ts'
import type { HeldRow } from '../../store/tables/held.ts'

interface HeldRoute {
  count: number
  nextProbeMs: number
  error: EdgeError | undefined
}

const PROBE_EVERY_MS = 5_000
const ROWS_A_PROBE = 500

/**
 * The routes of one destination whose topic or exchange is missing, or may not be written. Their messages stand in a table of
 * their own, in order, until a probe succeeds or `holdFor` is over; the rest of the destination goes on.
 */
export class HeldRoutes {
  private readonly destination: string
  private readonly reader: Pick<LogReader, 'heldRoutes' | 'held'>
  private readonly routes = new Map<string, HeldRoute>()

  constructor(destination: string, reader: Pick<LogReader, 'heldRoutes' | 'held'>) {
    this.destination = destination
    this.reader = reader
    for (const { route, count } of reader.heldRoutes(destination))
      this.routes.set(route, { count, nextProbeMs: 0, error: undefined })
  }

  isHeld(route: string): boolean {
    return this.routes.size > 0 && this.routes.has(route)
  }

  /** Counts one more message that waits on the route; the first one closes it, so that later messages wait behind it. */
  hold(route: string, error: EdgeError | undefined, nowMs: number): void {
    const held = this.routes.get(route)
    if (held === undefined) this.routes.set(route, { count: 1, nextProbeMs: nowMs + PROBE_EVERY_MS, error })
    else {
      held.count++
      held.error = error ?? held.error
    }
  }

  /** The oldest held messages of a route that is due to be tried again; undefined when none is. */
  nextDue(nowMs: number): { route: string; rows: HeldRow[] } | undefined {
    for (const [route, held] of this.routes) {
      if (held.nextProbeMs > nowMs) continue
      held.nextProbeMs = nowMs + PROBE_EVERY_MS
      const rows = this.reader.held(this.destination, route, ROWS_A_PROBE)
      if (rows.length > 0) return { route, rows }
    }
    return undefined
  }

  /**
   * Counts messages that have left the route; when the last one has, the route is open again. With `isOpening` the next probe
   * may follow at once.
   */
  release(route: string, count: number, isOpening: boolean): void {
    const held = this.routes.get(route)
    if (held === undefined) return
    held.count -= count
    if (held.count <= 0) this.routes.delete(route)
    else if (isOpening) held.nextProbeMs = 0
  }

  get count(): number {
    let sum = 0
    for (const { count } of this.routes.values()) sum += count
    return sum
  }

  /** The reason why routes are held, of the first one that has any. */
  get error(): EdgeError | undefined {
    for (const { error } of this.routes.values()) if (error !== undefined) return error
    return undefined
  }
}
