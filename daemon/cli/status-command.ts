import type { CliContext } from './cli-context.ts'
import { withClient, type ClientOptions } from './client-command.ts'
import { table } from './table.ts'

interface Status {
  broker: { clients: number }
  upstreams: { name: string; protocol: string; state: string; since: string | null; lastError: string | null }[]
  sensors: { name: string; type: string; state: string; lastReadingAt: string | null }[]
}

interface Queue {
  destinations: { name: string; queued: number; held: number; oldest_ms: number | null }[]
  store: { used_bytes: number; max_bytes: number; full: string | null }
}

/** Connections and queues of the running daemon. */
export function status(options: ClientOptions, context: CliContext): Promise<number> {
  return withClient(options, context, async (client) => {
    const [connections, queue] = await Promise.all([
      client.get<Status>('/connections/status'),
      client.get<Queue>('/queue'),
    ])
    if (options.json === true) return void context.stdout.write(`${JSON.stringify({ ...connections, queue })}\n`)
    const { used_bytes: used, max_bytes: max, full } = queue.store
    context.stdout.write(`clients ${connections.broker.clients}, store ${mebibytes(used)} of ${mebibytes(max)} MiB\n`)
    if (full !== null) context.stdout.write(`the store takes nothing: ${full}\n`)
    const upstreams = connections.upstreams.map((one) => [one.name, one.protocol, one.state, one.since, one.lastError])
    context.stdout.write(table(['UPSTREAM', 'PROTOCOL', 'STATE', 'SINCE', 'LAST ERROR'], upstreams))
    const queues = queue.destinations.map((one) => [one.name, one.queued, one.held, one.oldest_ms])
    context.stdout.write(table(['QUEUE', 'QUEUED', 'HELD', 'OLDEST MS'], queues))
    const sensors = connections.sensors.map((one) => [one.name, one.type, one.state, one.lastReadingAt])
    if (sensors.length > 0) context.stdout.write(table(['SENSOR', 'TYPE', 'STATE', 'LAST READING'], sensors))
  })
}

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

/** Figures of a window, in all, per channel and per connection. */
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
      ['in all', ...cells(answer.totals)],
      ...answer.channels.map((one) => [`channel ${one.channel_name}`, ...cells(one)]),
      ...answer.connections.map((one) => [`${one.type} ${one.name}`, ...cells(one)]),
    ]
    context.stdout.write(table([`LAST ${answer.window}`, ...header], rows))
  })
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(1)
}
