/**
 * Opens streams and WebSockets of one channel, publishes messages that carry their time, and prints one line of JSON: how many
 * messages every reader has had, and how long the timed ones took.
 */
import { connect, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import mqtt from 'mqtt'
import { percentile } from './statistics.ts'

export interface ReadersResult {
  readers: number
  /** Messages of the reader that has had the fewest, and of all published. */
  fewest: number
  expected: number
  latencyMs: { p50: number; p99: number }
}

const { values } = parseArgs({
  options: {
    httpPort: { type: 'string', default: '0' },
    mqttPort: { type: 'string', default: '0' },
    channel: { type: 'string', default: '' },
    topic: { type: 'string', default: '' },
    streams: { type: 'string', default: '1000' },
    sockets: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    rate: { type: 'string', default: '200' },
  },
})
const PAYLOAD = Buffer.from('"sentAt":')
const READ_BYTES = 64 * 1024
/** Of so many readers the times are looked at. */
const TIMED_EVERY = 40

const counts: number[] = []
const latencies: number[] = []

/** Counts the messages of one reader; a message cut in two by a read is counted with its second part. */
function open(index: number, request: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let head = ''
    let rest = Buffer.alloc(0)
    let started = false
    counts[index] = 0
    const socket = connect({
      host: '127.0.0.1',
      port: Number(values.httpPort),
      onread: {
        buffer: Buffer.allocUnsafe(READ_BYTES),
        callback(size, buffer) {
          const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, size)
          if (!started) {
            head += chunk.toString('latin1')
            started = head.includes('\r\n\r\n')
            if (started && /^HTTP\/1\.1 (?:200|101)/.test(head)) resolve(socket)
            else if (started) reject(new Error(head.slice(0, 300)))
            return true
          }
          const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
          let at = all.indexOf(PAYLOAD)
          let end = 0
          while (at !== -1) {
            counts[index] = (counts[index] ?? 0) + 1
            end = at + PAYLOAD.length
            if (index % TIMED_EVERY === 0)
              latencies.push(
                performance.timeOrigin + performance.now() - Number.parseFloat(all.toString('latin1', end, end + 20)),
              )
            at = all.indexOf(PAYLOAD, end)
          }
          rest = Buffer.from(all.subarray(Math.max(end, all.length - PAYLOAD.length + 1)))
          return true
        },
      },
    })
    socket.on('error', reject)
    socket.write(request)
  })
}

const host = `Host: 127.0.0.1:${values.httpPort}\r\n`
const stream = `GET /messages/stream?kind=message&channel_id=${values.channel} HTTP/1.1\r\n${host}\r\n`
const socket = `GET /ws/${values.channel} HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`
const requests = [
  ...Array.from({ length: Number(values.streams) }, () => stream),
  ...Array.from({ length: Number(values.sockets) }, () => socket),
]
const readers: Socket[] = []
for (const [index, request] of requests.entries()) readers.push(await open(index, request))

const publisher = await mqtt.connectAsync(`mqtt://127.0.0.1:${values.mqttPort}`)
const expected = Number(values.rate) * Number(values.seconds)
const startedAt = performance.now()
let published = 0
const acknowledged: Promise<unknown>[] = []
while (published < expected) {
  const due = Math.min(expected, ((performance.now() - startedAt) * Number(values.rate)) / 1_000)
  for (; published < due; published++) {
    const sentAt = (performance.timeOrigin + performance.now()).toFixed(3)
    const payload = `{"temperature":21.5,"humidity":40,"sentAt":${sentAt}}`
    acknowledged.push(publisher.publishAsync(values.topic, payload, { qos: 1 }))
  }
  await new Promise((resolve) => setTimeout(resolve, 1))
}
await Promise.all(acknowledged)
const deadline = performance.now() + 10_000
const fewest = (): number => counts.reduce((least, count) => Math.min(least, count), Infinity)
while (fewest() < expected && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
latencies.sort((a, b) => a - b)
const result: ReadersResult = {
  readers: readers.length,
  fewest: fewest(),
  expected,
  latencyMs: { p50: percentile(latencies, 50), p99: percentile(latencies, 99) },
}
process.stdout.write(`${JSON.stringify(result)}\n`)
process.exit(0)
