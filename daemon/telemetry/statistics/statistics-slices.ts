import type { Clock } from '../../core/clock.ts'
import { inTurns } from '../../core/turn.ts'
import { reportSteps, type ReportQuery, type StatisticsReport } from './statistics-view.ts'
import type { Statistics } from './statistics.ts'

/** Windows of hours do not change much in so long; whoever asks meanwhile gets the same. */
const FRESH_MS = 10_000
const KEPT_FROM_MS = 2 * 3_600_000
const MAX_KEPT = 20

interface Kept {
  report: Promise<StatisticsReport>
  atMs: number
}

/** Reports of long windows hold tens of thousands of rows: they are read in slices, with room for devices in between, one at a time. */
export class StatisticsSlices {
  private readonly statistics: Statistics
  private readonly clock: Clock
  private readonly kept = new Map<string, Kept>()
  private last: Promise<unknown> = Promise.resolve()

  constructor(statistics: Statistics, clock: Clock) {
    this.statistics = statistics
    this.clock = clock
  }

  report(query: ReportQuery): Promise<StatisticsReport> {
    const name = `${query.windowMs} ${query.channelId ?? ''}`
    const now = this.clock.monotonicMs()
    const known = this.kept.get(name)
    if (known !== undefined && now - known.atMs < FRESH_MS) return known.report
    const report = this.last.then(() => inTurns(reportSteps(this.statistics, this.clock, query)))
    // Whoever asked for it is told; the next one is read all the same.
    this.last = report.catch(() => undefined)
    if (query.windowMs >= KEPT_FROM_MS) this.keep(name, { report, atMs: now })
    return report
  }

  private keep(name: string, kept: Kept): void {
    this.kept.delete(name)
    this.kept.set(name, kept)
    kept.report.catch(() => this.kept.delete(name))
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= MAX_KEPT) return
      this.kept.delete(oldest)
    }
  }
}
