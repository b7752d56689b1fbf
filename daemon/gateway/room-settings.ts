import type { LogLevel } from '../core/logger.ts'
import type { Settings } from '../settings/settings.ts'
import type { StoreLimits } from '../store/log/retention.ts'

/** The limits of the store, which can change while it runs. */
export function limitsOf({ store, callLog }: Settings): StoreLimits {
  const { maxBytes, history } = store
  const { maxAgeMs, maxBytes: callBytes } = callLog
  return {
    maxBytes,
    historyMaxAgeMs: history.maxAgeMs,
    historyMaxBytes: history.maxBytes,
    callLog: { maxAgeMs, maxBytes: Math.min(callBytes, maxBytes / 8) },
  }
}

export function levelOf({ log }: Settings): LogLevel {
  return log.level === 'trace' ? 'debug' : log.level
}
