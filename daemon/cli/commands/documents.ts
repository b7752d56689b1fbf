import type { CliContext } from '../cli-context.ts'
import { table } from '../table.ts'
import { withClient, type ClientOptions } from '../with-client.ts'

/** Lists the registered documents, every version of each. */
export function documents(options: ClientOptions, context: CliContext): Promise<number> {
  return withClient(options, context, async (client) => {
    const items = await client.list<{
      id: string
      name: string
      version: string
      status: string
      source: string
      channel_count: number
    }>('/asyncapis', 10_000)
    if (options.json === true) return void context.stdout.write(`${JSON.stringify(items)}\n`)
    const rows = items.map((one) => [one.id, one.name, one.version, one.status, one.source, one.channel_count])
    context.stdout.write(table(['ID', 'NAME', 'VERSION', 'STATUS', 'SOURCE', 'CHANNELS'], rows))
  })
}
