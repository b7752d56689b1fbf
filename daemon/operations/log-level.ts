import { EdgeError } from '../core/errors.ts'
import { LOG_LEVELS, type LogLevel } from '../core/logger.ts'
import type { Caller } from '../ports/identity.ts'
import type { ProcessLogger } from '../telemetry/logging/logger.ts'

export interface LogLevelPort {
  level(): string
  set(level: string, caller: Caller): void
}

export function logLevelPort(
  logger: ProcessLogger,
  initial: LogLevel,
): LogLevelPort & { reset: (level: LogLevel) => void } {
  let current = initial
  return {
    /** Returns to the level of the configuration. */
    reset(level) {
      current = level
      logger.setLevel(level)
    },
    level: () => current,
    set(level) {
      const found = LOG_LEVELS.find((one) => one === level)
      if (found === undefined) throw new EdgeError('request-invalid', `${level} is no level.`)
      current = found
      logger.setLevel(found)
    },
  }
}
