import { EdgeError } from '../../core/errors.ts'

/** Rejects with `upstream-timeout` if the work has not ended in time; the work itself goes on and its result is ignored. */
export function withDeadline<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new EdgeError('upstream-timeout', `${what} took longer than its deadline`)),
      Math.max(0, ms),
    )
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
