import { EdgeError, formatPlace } from '../core/errors.ts'
import { ApiClient, ApiRefusal, type ApiOptions } from './api-client.ts'
import type { CliContext } from './cli-context.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'

/** Options of every command that uses the API. */
export interface ClientOptions extends ApiOptions {
  json?: boolean
}

/** Runs a command that uses the API, and prints its refusal, if any, with code and hint. Resolves to the exit code. */
export async function withClient(
  options: ClientOptions,
  context: CliContext,
  work: (client: ApiClient) => Promise<void>,
): Promise<number> {
  try {
    await work(new ApiClient(options, context.env))
    return EXIT.ok
  } catch (error) {
    if (!(error instanceof EdgeError)) throw error
    return printRefusal(error, context)
  }
}

function printRefusal(error: EdgeError, context: CliContext): number {
  context.stderr.write(`${formatPlace(error)} [${error.code}]\n`)
  const errors = error instanceof ApiRefusal ? (error.problem.errors ?? []) : []
  for (const one of errors) {
    const words = Object.entries(one).map(
      ([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    )
    context.stderr.write(`  ${words.join(', ')}\n`)
  }
  context.stderr.write(`  ${error.hint}\n`)
  return exitCodeOf(error)
}
