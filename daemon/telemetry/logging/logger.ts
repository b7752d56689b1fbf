import { fstatSync } from 'node:fs'
import { destination, pino, stdSerializers, stdTimeFunctions, symbols } from 'pino'
import { systemClock } from '../../core/clock.ts'
import { escapeUnseen } from '../../core/escape-text.ts'
import type { Logger, LogLevel } from '../../core/logger.ts'
import { RateLimitedLogger } from './rate-limited-logger.ts'
import { censorKeys, createValueCensor } from './redaction.ts'

export interface ProcessLogger extends Logger {
  setLevel(level: LogLevel): void
  /** Values that must not appear in any log line. */
  setSecrets(secrets: readonly string[]): void
  /** Writes all buffered lines; `process.exit` does it too. */
  flush(): void
}

export interface LoggerOptions {
  level?: LogLevel
  /** `JOURNAL_STREAM`, set by systemd when standard output goes to the journal. */
  journalStream?: string | undefined
  secrets?: readonly string[]
  /** Instead of standard output, for tests. */
  write?: (line: string) => void
}

/** Syslog priorities (RFC 5424, 6.2.1) by pino's levels. */
const JOURNAL_PRIORITY: Readonly<Record<number, number>> = { 20: 7, 30: 6, 40: 4, 50: 3, 60: 2 }

/** Memory for lines while the reader is blocked; lines beyond it are dropped. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024

/** Logs to standard output, one JSON object a line. */
export function createLogger(options: LoggerOptions = {}): ProcessLogger {
  // Asynchronous, so that a slow reader of the pipe does not block the event loop; pino flushes at exit.
  const output =
    options.write === undefined ? destination({ dest: 1, sync: false, maxLength: MAX_BUFFERED_BYTES }) : undefined
  const write = options.write ?? ((line: string): void => void output?.write(line))
  const prefixed = output !== undefined ? isJournal(options.journalStream) : options.journalStream !== undefined
  let censorValues = createValueCensor(options.secrets ?? [])

  const stream = {
    // Makes pino set `lastLevel` before each line.
    [symbols.needsMetadataGsym]: true as const,
    lastLevel: 30,
    write(line: string): void {
      const prefix = prefixed ? `<${JOURNAL_PRIORITY[stream.lastLevel] ?? 6}>` : ''
      write(prefix + escapeUnseen(censorValues(line)))
    },
  }
  const logger = pino(
    {
      level: options.level ?? 'info',
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: censorKeys },
      serializers: { err: serializeError, error: serializeError },
    },
    stream,
  )

  const limited = new RateLimitedLogger(logger, systemClock)

  return {
    // Not rate-limited: most are below the level, and would only fill the limiter's memory.
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => limited.info(fields, message),
    warn: (fields, message) => limited.warn(fields, message),
    error: (fields, message) => limited.error(fields, message),
    setLevel: (level) => {
      logger.level = level
    },
    setSecrets: (secrets) => {
      censorValues = createValueCensor(secrets)
    },
    flush: () => {
      limited.flush()
      output?.flushSync()
    },
  }
}

function serializeError(error: unknown): unknown {
  return error instanceof Error ? censorKeys(stdSerializers.err(error)) : error
}

/** Child processes of a service inherit the variable, so it counts only if it names our own standard output. */
function isJournal(journalStream: string | undefined): boolean {
  if (journalStream === undefined) return false
  try {
    const { dev, ino } = fstatSync(1)
    return journalStream === `${dev}:${ino}`
  } catch {
    return false
  }
}
