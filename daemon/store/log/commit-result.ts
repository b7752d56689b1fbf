import { EdgeError, messageOf, systemCode } from '../../core/errors.ts'
import { isCorrupt, isDiskFull, isNoRoom } from '../sqlite.ts'

export type CommitResult = { status: 'committed' } | FullResult | FatalResult

/**
 * There is no room for the batch: `maxBytes` is reached, the file system has no space or takes no writes at all, or a reader
 * keeps the WAL from being emptied. The same batch may be offered again. `settled`: the settlements were written.
 */
export interface FullResult {
  status: 'full'
  cause: 'limit' | 'disk' | 'unwritable' | 'wal'
  settled: boolean
  error: EdgeError
}

/** The disk cannot be trusted any more: the process must end and start again. */
export interface FatalResult {
  status: 'fatal'
  corrupt: boolean
  error: EdgeError
}

export function full(cause: FullResult['cause'], settled: boolean, message: string, error?: unknown): FullResult {
  return { status: 'full', cause, settled, error: new EdgeError('store-full', message, { cause: error }) }
}

export function overLimit(settled: boolean): FullResult {
  return full('limit', settled, 'the store has reached maxBytes')
}

export function fatal(error: unknown, message: string): FatalResult {
  return { status: 'fatal', corrupt: isCorrupt(error), error: new EdgeError('store-failed', message, { cause: error }) }
}

/** Turns the error of a write into `full`, where waiting can heal it, or `fatal`. */
export function failedWrite(error: unknown, settled: boolean): FullResult | FatalResult {
  if (!isNoRoom(error)) return fatal(error, `${systemCode(error) ?? 'write'}: ${messageOf(error)}`)
  const cause = isDiskFull(error) ? 'disk' : 'unwritable'
  return full(cause, settled, `the file system takes no more: ${messageOf(error)}`, error)
}
