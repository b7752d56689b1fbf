import { EdgeError } from '../core/errors.ts'
import type { Caller } from '../ports/identity.ts'
import type { ProcessLogger } from '../telemetry/logging/logger.ts'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

export interface LogLevelPort {
  level(): string
  set(level: string, caller: Caller): void
}

type Level = (typeof LEVELS)[number]

export function logLevelPort(logger: ProcessLogger, initial: Level): LogLevelPort & { reset: (level: Level) => void } {
  let current = initial
  return {
    /** Returns to the level of the configuration. */
    reset(level) {
      current = level
      logger.setLevel(level)
    },
    level: () => current,
    set(level) {
      const found = LEVELS.find((one) => one === level)
      if (found === undefined) throw new EdgeError('request-invalid', `${level} is no level.`)
      current = found
      logger.setLevel(found)
    },
  }
}
