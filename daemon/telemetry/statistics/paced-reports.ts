import type { Clock } from '../../core/clock.ts'
import { inTurns } from '../../core/turn.ts'
import { Turns } from '../../core/turns.ts'
import { reportSteps, type ReportQuery, type StatisticsReport } from './statistics-view.ts'
import type { Statistics } from './statistics.ts'

/** Reports of hours hardly change in this time: requests within it share one. */
const FRESH_MS = 10_000
const CACHED_FROM_MS = 2 * 3_600_000
const MAX_CACHED = 20

interface Cached {
  report: Promise<StatisticsReport>
  atMs: number
}

/**
 * Makes reports one at a time, in steps between which devices are served: a report of a long window reads tens of thousands of rows.
 */
export class PacedReports {
  private readonly statistics: Statistics
  private readonly clock: Clock
  private readonly cached = new Map<string, Cached>()
  private readonly turns = new Turns()

  constructor(statistics: Statistics, clock: Clock) {
    this.statistics = statistics
    this.clock = clock
  }

  report(query: ReportQuery): Promise<StatisticsReport> {
    const name = `${query.windowMs} ${query.channelId ?? ''}`
    const now = this.clock.monotonicMs()
    const known = this.cached.get(name)
    if (known !== undefined && now - known.atMs < FRESH_MS) return known.report
    const report = this.turns.run(() => inTurns(reportSteps(this.statistics, this.clock, query)))
    if (query.windowMs >= CACHED_FROM_MS) this.cache(name, { report, atMs: now })
    return report
  }

  private cache(name: string, cached: Cached): void {
    this.cached.delete(name)
    this.cached.set(name, cached)
    cached.report.catch(() => this.cached.delete(name))
    for (const oldest of this.cached.keys()) {
      if (this.cached.size <= MAX_CACHED) return
      this.cached.delete(oldest)
    }
  }
}
