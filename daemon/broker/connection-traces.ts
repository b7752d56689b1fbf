import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import { Counter } from '../telemetry/counters.ts'
import { Pace } from './pace.ts'

/** Why a connection was not let in. */
export type RefusalReason =
  | 'connection-limit'
  | 'version'
  | 'credentials'
  | 'client-id'
  | 'keep-alive-limit'
  | 'will-topic'
  | 'connect-timeout'
  | 'packet'

/** Why the broker closed a connection that it had let in. `packet-size` and `packet` also close others. */
export type CloseReason =
  | 'takeover'
  | 'packet'
  | 'packet-size'
  | 'protocol'
  | 'keep-alive'
  | 'not-reading'
  | 'store-full'
  | 'not-stored'
  | 'message-refused'

export interface Who {
  client: string | null
  address: string | null
}

/** Lines a second over all clients: many clients at once are counted, not listed. */
const MAX_LINES = 20

/**
 * Says of each connection that is refused or closed whose it is and why, and counts it. One line a second for each client, or for
 * each address where no client is known; what one client leaves out is counted in its next line; beyond `MAX_LINES` only the counters tell.
 */
export class ConnectionTraces {
  readonly refusedBy = new Counter()
  readonly closedBy = new Counter()
  /** Filters of SUBSCRIBEs that were not granted. */
  refusedSubscriptions = 0
  private readonly logger: Logger
  private readonly clock: Clock
  private readonly pace: Pace
  private second = 0
  private lines = 0

  constructor(clock: Clock, logger: Logger) {
    this.clock = clock
    this.logger = logger
    this.pace = new Pace(clock)
  }

  refused(who: Who, reason: RefusalReason, more: object = {}): void {
    this.refusedBy.inc(reason)
    this.write(who, { reason, ...more }, 'connection refused')
  }

  closed(who: Who, reason: CloseReason, more: object = {}): void {
    this.closedBy.inc(reason)
    this.write(who, { reason, ...more }, 'connection closed')
  }

  subscription(who: Who, filter: string): void {
    this.refusedSubscriptions++
    this.write(who, { filter }, 'subscription refused')
  }

  /** Counted by ingest. */
  message(who: Who, code: string, topic: string): void {
    this.write(who, { code, topic }, 'message refused')
  }

  /** Whether a line of this client was written a short time ago: then its coming and going says nothing new. */
  isRecent(who: Who): boolean {
    return this.pace.isRecent(nameOf(who))
  }

  private write(who: Who, fields: object, message: string): void {
    const second = Math.floor(this.clock.monotonicMs() / 1_000)
    if (second !== this.second) this.lines = 0
    this.second = second
    if (this.lines >= MAX_LINES) return
    const suppressed = this.pace.take(nameOf(who))
    if (suppressed === undefined) return
    this.lines++
    this.logger.warn({ ...who, ...fields, ...(suppressed === 0 ? {} : { suppressed }), subject: nameOf(who) }, message)
  }
}

function nameOf({ client, address }: Who): string {
  return client ?? address ?? ''
}
