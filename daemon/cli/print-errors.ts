import { formatPlace, type EdgeError } from '../core/errors.ts'
import type { CliContext } from './cli-context.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'

/** Prints errors as `file:line:column message [code]`, then each hint once. Returns the exit code of the first error. */
export function printErrors(context: Pick<CliContext, 'stderr'>, errors: readonly EdgeError[]): number {
  const hints = new Set<string>()
  for (const error of errors) {
    context.stderr.write(`${formatPlace(error)} [${error.code}]\n`)
    hints.add(error.hint)
  }
  for (const hint of hints) context.stderr.write(`  ${hint}\n`)
  const [first] = errors
  return first === undefined ? EXIT.ok : exitCodeOf(first)
}
