/**
 * Publishes to an MQTT broker so cheaply that the broker is the limit, and prints one line of JSON when everything
 * is acknowledged. A process of its own: what it costs must not be counted for anybody else.
 */
import { parseArgs } from 'node:util'
import { LoadClient } from './load-client.ts'
import { RateLoad } from './load-rate.ts'
import { TotalLoad } from './load-total.ts'
import { PacketRing } from './packet-ring.ts'
import { percentile } from './statistics.ts'

export interface LoadResult {
  messages: number
  /** From the first publish to the last acknowledgement. */
  seconds: number
  /** Messages a second. */
  rate: number
  /** Milliseconds since 1970. */
  startedAt: number
  /** What the generator itself used: near `seconds`, it was the limit. */
  cpuSeconds: number
  /** At a steady rate only. */
  latencyMs?: { p50: number; p99: number; max: number }
}

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    clients: { type: 'string', default: '20' },
    /** Messages of one client in flight. */
    window: { type: 'string', default: '100' },
    /** As fast as it goes … */
    total: { type: 'string' },
    /** … or so many a second, for so long. */
    rate: { type: 'string' },
    seconds: { type: 'string', default: '10' },
    /** `{client}` and `{topic}` are numbers from 0. */
    topic: { type: 'string', default: 'device/c{client}/data' },
    /** How many values `{topic}` has; the clients share them out. */
    topics: { type: 'string', default: '1' },
    payload: { type: 'string', default: '{"temperature":21.5,"humidity":40}' },
  },
})

function number(value: string | undefined, name: string): number {
  const result = Number(value)
  if (value === undefined || !(result > 0)) throw new Error(`--${name} must be a number above 0`)
  return result
}

const count = number(values.clients, 'clients')
const window = number(values.window, 'window')
const topics = number(values.topics, 'topics')
const load =
  values.total === undefined
    ? new RateLoad(number(values.rate, 'rate'), number(values.seconds, 'seconds'), window)
    : new TotalLoad(number(values.total, 'total'), window)

function ringOf(client: number): PacketRing {
  // Twice the window: an id is long acknowledged when its turn comes again.
  const slots = Math.max(window * 2, Math.ceil(topics / count))
  const ofClient = values.topic.replaceAll('{client}', String(client))
  return new PacketRing(slots, values.payload, (slot) =>
    ofClient.replaceAll('{topic}', String((slot * count + client) % topics)),
  )
}

const clients: LoadClient[] = []
for (let client = 0; client < count; client++) {
  clients.push(
    await LoadClient.connect({
      port: number(values.port, 'port'),
      clientId: `load-${process.pid}-${client}`,
      ring: ringOf(client),
      onAcknowledged: (from, acknowledged) => load.onAcknowledged(from, acknowledged),
      onFailure: (error) => {
        process.stderr.write(`${error.message}\n`)
        process.exit(1)
      },
    }),
  )
}

const cpu = process.cpuUsage()
const startedAt = Date.now()
const start = performance.now()
if (load instanceof RateLoad) {
  await load.run(clients)
} else {
  load.start(clients)
  await load.finished
}
const seconds = (performance.now() - start) / 1000
const { user, system } = process.cpuUsage(cpu)
for (const client of clients) client.close()

const result: LoadResult = {
  messages: load.messages,
  seconds,
  rate: load.messages / seconds,
  startedAt,
  cpuSeconds: (user + system) / 1e6,
}
if (load instanceof RateLoad) {
  const sorted = load.latenciesMs.toSorted((a, b) => a - b)
  result.latencyMs = { p50: percentile(sorted, 50), p99: percentile(sorted, 99), max: percentile(sorted, 100) }
}
process.stdout.write(`${JSON.stringify(result)}\n`)
