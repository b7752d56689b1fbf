import type { CliContext } from '../cli-context.ts'
import { table } from '../table.ts'
import { withClient, type ClientOptions } from '../with-client.ts'

interface Status {
  broker: { clients: number }
  upstreams: { name: string; protocol: string; state: string; since: string | null; lastError: string | null }[]
  sensors: { name: string; type: string; state: string; lastReadingAt: string | null }[]
}

interface Queue {
  destinations: { name: string; queued: number; held: number; oldest_ms: number | null }[]
  store: { used_bytes: number; max_bytes: number; full: string | null }
}

/** Prints connections, queues and sensors of the running daemon. */
export function status(options: ClientOptions, context: CliContext): Promise<number> {
  return withClient(options, context, async (client) => {
    const [connections, queue] = await Promise.all([
      client.get<Status>('/connections/status'),
      client.get<Queue>('/queue'),
    ])
    if (options.json === true) return void context.stdout.write(`${JSON.stringify({ ...connections, queue })}\n`)
    const { used_bytes: used, max_bytes: max, full } = queue.store
    context.stdout.write(`clients ${connections.broker.clients}, store ${mebibytes(used)} of ${mebibytes(max)} MiB\n`)
    if (full !== null) context.stdout.write(`the store accepts no messages: ${full}\n`)
    const upstreams = connections.upstreams.map((one) => [one.name, one.protocol, one.state, one.since, one.lastError])
    context.stdout.write(table(['UPSTREAM', 'PROTOCOL', 'STATE', 'SINCE', 'LAST ERROR'], upstreams))
    const queues = queue.destinations.map((one) => [one.name, one.queued, one.held, one.oldest_ms])
    context.stdout.write(table(['QUEUE', 'QUEUED', 'HELD', 'OLDEST MS'], queues))
    const sensors = connections.sensors.map((one) => [one.name, one.type, one.state, one.lastReadingAt])
    if (sensors.length > 0) context.stdout.write(table(['SENSOR', 'TYPE', 'STATE', 'LAST READING'], sensors))
  })
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(1)
}
