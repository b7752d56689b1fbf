import type { EdgeError } from '../../core/errors.ts'
import type { LogReader } from '../../store/log/log-reader.ts'
import { type DeliveryKey, type HeldRow, REPLAY_ROUTE } from '../../store/tables/held.ts'

interface HeldRoute {
  /** Deliveries that wait here, committed or not. */
  count: number
  nextProbeMs: number
  /** The destination has taken a delivery of the route: its backlog is sent at once. */
  isOpening: boolean
  error: EdgeError | undefined
}

/** A row of the table. */
type RowKey = Pick<HeldRow, 'seq' | 'target' | 'route' | 'replayedMs'>

/** Deliveries whose release was handed to the writer and is not confirmed: the table still has them. */
interface Released {
  /** Number of the settlement. */
  number: number
  keys: ReadonlySet<string>
}

export type HeldReader = Pick<LogReader, 'heldRoutes' | 'held' | 'heldBefore' | 'lastHeld' | 'isHeld'>

const PROBE_EVERY_MS = 5_000
/** Deliveries of one probe, and of one look for those that are held for too long. */
const ROWS_AT_ONCE = 500
/** Closed routes that one probe tries, with one delivery each. */
const ROUTES_AT_ONCE = 64

/**
 * The routes of one destination whose topic or exchange is missing, or may not be written. Their deliveries stand in a table of
 * their own, in order, until a probe succeeds or `holdFor` is over; the rest of the destination goes on.
 *
 * Invariant: a delivery whose release was handed to the writer is not read again before that is confirmed.
 */
export class HeldRoutes {
  private readonly destination: string
  private readonly reader: HeldReader
  private readonly routes = new Map<string, HeldRoute>()
  private released: Released[] = []
  /** The highest sequence number that an earlier loop has left in the table. */
  private readonly lastBefore: number

  constructor(destination: string, reader: HeldReader) {
    this.destination = destination
    this.reader = reader
    this.lastBefore = reader.lastHeld(destination)
    for (const { route, count } of reader.heldRoutes(destination)) this.routes.set(route, newRoute(count, 0, undefined))
  }

  /** An earlier loop has put the delivery aside, while other targets of its message were still to be sent. */
  wasHeld({ seq, target }: DeliveryKey): boolean {
    return seq <= this.lastBefore && this.reader.isHeld(this.destination, seq, target)
  }

  isHeld(route: string): boolean {
    return this.routes.size > 0 && this.routes.has(route)
  }

  /** Counts one more delivery that waits on the route; the first one closes it, so that later messages wait behind it. */
  hold(route: string, error: EdgeError | undefined, nowMs: number): void {
    const held = this.routes.get(route)
    if (held === undefined) this.routes.set(route, newRoute(1, nowMs + PROBE_EVERY_MS, error))
    else {
      held.count++
      held.error = error ?? held.error
    }
  }

  /** Reads the table again for dead letters that an operator sends again. */
  lookForReplays(): void {
    const known = this.reader.heldRoutes(this.destination).find(({ route }) => route === REPLAY_ROUTE)
    if (known === undefined) return
    const rows = this.reader.held(this.destination, REPLAY_ROUTE, known.count)
    const count = rows.filter((row) => !this.isReleased(row)).length
    if (count > 0) this.routes.set(REPLAY_ROUTE, newRoute(count, 0, undefined))
  }

  /** The next deliveries to try, oldest first: the backlog of one route that opens, or one delivery each of routes that are due. */
  nextProbe(nowMs: number): HeldRow[] {
    const due = [...this.routes].filter(([, held]) => held.nextProbeMs <= nowMs)
    const opening = due.find(([route, held]) => held.isOpening || route === REPLAY_ROUTE)
    // The route that has waited longest comes first, so that each has its turn.
    const chosen = opening === undefined ? due.sort((a, b) => a[1].nextProbeMs - b[1].nextProbeMs) : [opening]
    return chosen.slice(0, ROUTES_AT_ONCE).flatMap(([route, held]) => {
      held.nextProbeMs = nowMs + PROBE_EVERY_MS
      return this.unreleased(route, opening === undefined ? 1 : ROWS_AT_ONCE)
    })
  }

  /** Deliveries that have been held since before `sinceMs` of running time. */
  overdue(sinceMs: number): HeldRow[] {
    if (this.routes.size === 0) return []
    const rows = this.reader.heldBefore(this.destination, sinceMs, ROWS_AT_ONCE + this.releasedCount)
    return rows.filter((row) => !this.isReleased(row)).slice(0, ROWS_AT_ONCE)
  }

  /** The next deliveries of any route, to be discarded. */
  any(): HeldRow[] {
    return this.unreleased(undefined, ROWS_AT_ONCE)
  }

  /**
   * Takes deliveries off their routes; a route without any is open again.
   *
   * @param number of the settlement that deletes their rows
   */
  release(rows: readonly RowKey[], number: number): void {
    if (rows.length === 0) return
    this.released.push({ number, keys: new Set(rows.map(keyOf)) })
    for (const { route } of rows) {
      const held = this.routes.get(route)
      if (held !== undefined && --held.count <= 0) this.routes.delete(route)
    }
  }

  /** The destination has answered for a delivery of the route: it is tried again at once where it took it, else later. */
  probed(route: string, isOpening: boolean, error: EdgeError | undefined): void {
    const held = this.routes.get(route)
    if (held === undefined) return
    held.isOpening = isOpening
    held.error = error ?? held.error
    if (isOpening) held.nextProbeMs = 0
  }

  /** The writer has committed every settlement up to `number`. */
  confirmed(number: number): void {
    if (this.released.length > 0) this.released = this.released.filter((one) => one.number > number)
  }

  get count(): number {
    let sum = 0
    for (const { count } of this.routes.values()) sum += count
    return sum
  }

  /** Names of the routes that are missing or forbidden. */
  get closedRoutes(): string[] {
    return [...this.routes.keys()].filter((route) => route !== REPLAY_ROUTE)
  }

  errorOf(route: string): EdgeError | undefined {
    return this.routes.get(route)?.error
  }

  /** The reason why routes are held, of the first one that has any. */
  get error(): EdgeError | undefined {
    for (const { error } of this.routes.values()) if (error !== undefined) return error
    return undefined
  }

  private unreleased(route: string | undefined, limit: number): HeldRow[] {
    const rows = this.reader.held(this.destination, route, limit + this.releasedCount)
    return rows.filter((row) => !this.isReleased(row)).slice(0, limit)
  }

  private isReleased(row: RowKey): boolean {
    const key = keyOf(row)
    return this.released.some(({ keys }) => keys.has(key))
  }

  private get releasedCount(): number {
    return this.released.reduce((sum, { keys }) => sum + keys.size, 0)
  }
}

function newRoute(count: number, nextProbeMs: number, error: EdgeError | undefined): HeldRoute {
  return { count, nextProbeMs, isOpening: false, error }
}

/** A delivery that is held again, on another route or replayed, is another row: it is in the table once its first release is. */
function keyOf({ seq, target, route, replayedMs }: RowKey): string {
  return `${seq}/${target}/${replayedMs}/${route}`
}
