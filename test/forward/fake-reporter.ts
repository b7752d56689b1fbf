import type { Settled, SettlementReporter } from '../../daemon/forward/thread/reporter.ts'
import type { CursorRow, LostRange } from '../../daemon/store/tables/cursors.ts'
import type { FakeLog } from './fake-log.ts'

/** Collects settlements and, unless `isSlow`, commits each to the log at once. */
export class FakeReporter implements SettlementReporter {
  readonly reports: Settled[] = []
  /** Leaves settlements unconfirmed until `confirm`. */
  isSlow = false
  private readonly log: FakeLog
  /** Number of the last settlement that is committed. */
  confirmed = 0
  private unconfirmed: Settled[] = []
  private waiting: (() => void)[] = []

  constructor(log: FakeLog) {
    this.log = log
  }

  get unconfirmedCount(): number {
    return this.unconfirmed.length
  }

  report(settled: Settled): number {
    this.reports.push(settled)
    this.unconfirmed.push(settled)
    const number = this.reports.length
    if (!this.isSlow) this.confirm()
    return number
  }

  async flushed(): Promise<void> {
    if (this.unconfirmed.length > 0) await new Promise<void>((resolve) => this.waiting.push(resolve))
  }

  /** The writer has committed every settlement so far. */
  confirm(): void {
    for (const settled of this.unconfirmed) this.log.apply(settled)
    this.unconfirmed = []
    this.confirmed = this.reports.length
    for (const resolve of this.waiting) resolve()
    this.waiting = []
  }

  /** The last cursor that was reported. */
  get cursor(): CursorRow | undefined {
    return this.reports.at(-1)?.cursor
  }

  get deadLetters(): { seq: number; code: string }[] {
    return this.reports.flatMap(({ deadLetters }) => deadLetters.map(({ seq, code }) => ({ seq, code })))
  }

  get lost(): LostRange[] {
    return this.reports.flatMap(({ lost }) => lost)
  }
}
