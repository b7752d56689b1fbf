import type { CliContext } from '../cli-context.ts'
import { withClient, type ClientOptions } from '../with-client.ts'

/** Gives up every message of a destination that is no longer configured, and prints how many deliveries that were. */
export function discardQueue(name: string, options: ClientOptions, context: CliContext): Promise<number> {
  return withClient(options, context, async (client) => {
    const answer = await client.delete<{ discarded: number }>(`/queue/${encodeURIComponent(name)}`)
    context.stdout.write(options.json === true ? `${JSON.stringify(answer)}\n` : `${answer.discarded} discarded\n`)
  })
}
