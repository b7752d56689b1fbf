import type { CliContext } from '../cli-context.ts'
import { table } from '../table.ts'
import { withClient, type ClientOptions } from '../with-client.ts'

/** Lists the channels in force, or those of one document. */
export function channels(options: ClientOptions & { document?: string }, context: CliContext): Promise<number> {
  return withClient(options, context, async (client) => {
    const query = { asyncapi_document_id: options.document }
    const items = await client.list<{
      id: string
      channel_name: string
      protocol: string
      messages: { message_name: string }[]
    }>('/channels', 100_000, query)
    if (options.json === true) return void context.stdout.write(`${JSON.stringify(items)}\n`)
    const rows = items.map((one) => [
      one.id,
      one.channel_name,
      one.protocol,
      one.messages.map((message) => message.message_name).join(', '),
    ])
    context.stdout.write(table(['ID', 'ADDRESS', 'PROTOCOL', 'MESSAGES'], rows))
  })
}
