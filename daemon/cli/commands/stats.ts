import type { CliContext } from '../cli-context.ts'
import { table } from '../table.ts'
import { withClient, type ClientOptions } from '../with-client.ts'

interface Figures {
  received: number
  rejected: number
  forwarded: number
  deadLettered: number
  rate: number
  errorRate: number
  latency: { durable: { p50: number | null; p99: number | null } }
}

interface Statistics {
  window: string
  totals: Figures
  channels: ({ channel_name: string; document: string } & Figures)[]
  connections: ({ type: string; name: string } & Figures)[]
}

/** Prints the statistics of a time window: in total, per channel and per connection. */
export function stats(options: ClientOptions & { window?: string }, context: CliContext): Promise<number> {
  return withClient(options, context, async (client) => {
    const answer = await client.get<Statistics>('/messages/statistics', { window: options.window ?? '1h' })
    if (options.json === true) return void context.stdout.write(`${JSON.stringify(answer)}\n`)
    const header = ['RECEIVED', 'REJECTED', 'FORWARDED', 'DEAD', 'PER SECOND', 'P50 MS', 'P99 MS']
    const cells = (one: Figures) => [
      one.received,
      one.rejected,
      one.forwarded,
      one.deadLettered,
      one.rate.toFixed(1),
      one.latency.durable.p50,
      one.latency.durable.p99,
    ]
    const rows = [
      ['total', ...cells(answer.totals)],
      ...answer.channels.map((one) => [`channel ${one.channel_name}`, ...cells(one)]),
      ...answer.connections.map((one) => [`${one.type} ${one.name}`, ...cells(one)]),
    ]
    context.stdout.write(table([`LAST ${answer.window}`, ...header], rows))
  })
}
