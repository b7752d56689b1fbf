import { formatPlace, type EdgeError } from '../core/errors.ts'
import type { CliContext } from './cli-context.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'

/** `file:line:col message`, with the hint below; returns the exit code of the first. */
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
