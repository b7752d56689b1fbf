import type { Clock } from '../../core/clock.ts'
import { systemCode } from '../../core/errors.ts'
import type { Logger, LogLevel } from '../../core/logger.ts'

const INTERVAL_MS = 1_000
const MAX_ENTRIES = 1_000

interface Entry {
  level: LogLevel
  message: string
  loggedAtMs: number
  suppressed: number
  /** Fields of the last suppressed line, for the summary. */
  fields: object
}

/**
 * Lets one line a second through for each (level, message, code, subject), so that a device that is always refused, or an upstream
 * that is down, does not fill the disk. The next line says how many were suppressed.
 */
export class RateLimitedLogger implements Logger {
  private readonly target: Logger
  private readonly clock: Clock
  private readonly entries = new Map<string, Entry>()

  constructor(target: Logger, clock: Clock) {
    this.target = target
    this.clock = clock
  }

  debug(fields: object, message: string): void {
    this.log('debug', fields, message)
  }

  info(fields: object, message: string): void {
    this.log('info', fields, message)
  }

  warn(fields: object, message: string): void {
    this.log('warn', fields, message)
  }

  error(fields: object, message: string): void {
    this.log('error', fields, message)
  }

  /** Logs a summary of lines that are still suppressed; for the end of the process. */
  flush(): void {
    for (const entry of this.entries.values()) this.summarise(entry)
    this.entries.clear()
  }

  private log(level: LogLevel, fields: object, message: string): void {
    const now = this.clock.monotonicMs()
    const key = JSON.stringify([level, message, codeOf(fields), subjectOf(fields)])
    const entry = this.entries.get(key)
    if (entry !== undefined && now - entry.loggedAtMs < INTERVAL_MS) {
      entry.suppressed += 1
      entry.fields = fields
      return
    }
    this.target[level](
      entry === undefined || entry.suppressed === 0 ? fields : { ...fields, suppressed: entry.suppressed },
      message,
    )
    // Deleted first, so that the oldest entry stays the first one of the map.
    this.entries.delete(key)
    this.entries.set(key, { level, message, loggedAtMs: now, suppressed: 0, fields })
    if (this.entries.size > MAX_ENTRIES) this.evictOldest()
  }

  private evictOldest(): void {
    for (const [key, entry] of this.entries) {
      this.entries.delete(key)
      this.summarise(entry)
      return
    }
  }

  private summarise(entry: Entry): void {
    if (entry.suppressed > 0) this.target[entry.level]({ ...entry.fields, suppressed: entry.suppressed }, entry.message)
  }
}

function codeOf(fields: object): string | undefined {
  return systemCode(fields) ?? ('err' in fields ? systemCode(fields.err) : undefined)
}

function subjectOf(fields: object): string | undefined {
  return 'subject' in fields && typeof fields.subject === 'string' ? fields.subject : undefined
}
