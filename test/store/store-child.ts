/**
 * A process with a real store, for tests that kill it or take its disk away. Prints a line for everything that happens:
 * `open <store id> <seq>`, `ack <n> <seq>`, `refused <n> <code>`, `full`, `room`, `fatal <code>`, `restarted`, `closed`.
 *
 *     node store-child.ts DIRECTORY '{"window": 50, "first": 1, "count": 1000}'
 */
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../daemon/core/clock.ts'
import { messageOf } from '../../daemon/core/errors.ts'
import { LogStore, type LogStoreOptions } from '../../daemon/store/log/log-store.ts'
import type { ChildOptions } from './start-store-child.ts'

const [directory = '', text = '{}'] = process.argv.slice(2)
const options = JSON.parse(text) as ChildOptions
const {
  window = 50,
  first = 1,
  count = Infinity,
  payloadBytes = 40,
  ratePerSecond,
  killWriterEveryMs,
  stayOpen = false,
  destinations = ['out'],
} = options
const print = (line: string): void => void writeSync(1, `${line}\n`)

const maxBytes = options.maxBytes ?? 256 * 1024 ** 2
const storeOptions: LogStoreOptions = {
  directory,
  gatewayId: 'gw',
  machineId: 'machine',
  bootId: 'boot',
  clock: systemClock,
  clockSynced: true,
  durability: options.durability ?? 'power',
  maxBytes,
  limits: { maxBytes, historyMaxAgeMs: 60_000, historyMaxBytes: 8 * 1024 ** 2 },
  whenFull: options.whenFull ?? 'reject',
  logger: {
    debug() {},
    info: (_, message) => print(message.includes('room') ? 'room' : `info ${message}`),
    warn: (_, message) => print(`warn ${message}`),
    error: (_, message) =>
      print(
        message.includes('full')
          ? `full ${message}`
          : message.includes('starting another')
            ? 'restarted'
            : `error ${message}`,
      ),
  },
  onWriter: (port) => {
    port.on('message', () => undefined)
    const settling = setInterval(() => {
      if (settles) {
        const cursor = {
          destination: 'out',
          lane: 'live' as const,
          low: lastAcknowledged + 1,
          ranges: [],
          settled: lastAcknowledged,
          settledBytes: 0,
          delivered: 0,
          expired: 0,
          dropped: 0,
          dead: 0,
        }
        port.postMessage({
          type: 'settlement',
          settlement: { number: 1, cursor, deadLetters: [], held: [], released: [] },
        })
      }
    }, 50)
    port.on('close', () => clearInterval(settling))
  },
  onFatal: (error) => {
    print(`fatal ${error.code} ${messageOf(error)}`)
    process.exit(3)
  },
}

let lastAcknowledged = 0
let settles = options.settle === true
// The destination is back.
process.on('SIGUSR2', () => {
  settles = true
})
const store = new LogStore(storeOptions)
lastAcknowledged = store.opened.seq
print(
  `open ${store.opened.messageIdPrefix} ${store.opened.seq}${store.opened.salvaged === undefined ? '' : ` salvaged ${JSON.stringify(store.opened.salvaged)}`}`,
)
store.start()
if (killWriterEveryMs !== undefined) {
  setInterval(() => void Reflect.get(store, 'writer').terminate(), killWriterEveryMs).unref()
}
store.log.put({ type: 'plan', row: { id: 1, body: '{"plan":1}' } })
store.log.put({ type: 'stream', row: { id: 1, lane: 'live', destinations } })
await publish()
if (stayOpen) await sleep(2 ** 30)
if (options.crashAtEnd === true) process.kill(process.pid, 'SIGKILL')
await store.close(10_000)
print('closed')
process.exit(0)

/** Closed loop of `window` messages; refused ones are tried again, as devices do. */
async function publish(): Promise<void> {
  let next = first
  let outstanding = 0
  const again: number[] = []
  const startedAt = performance.now()
  while (again.length > 0 || outstanding > 0 || next < first + count) {
    const due =
      ratePerSecond === undefined ? Infinity : ((performance.now() - startedAt) / 1000) * ratePerSecond + first
    while (outstanding < window && (again.length > 0 || (next < first + count && next < due))) {
      const number = again.shift() ?? next++
      outstanding++
      const sentAt = performance.now()
      const text = `${number}`.padEnd(payloadBytes, '.')
      const seq = store.log.append(
        1,
        {
          plan: 1,
          flags: 8,
          runningMs: 0,
          wallMs: 0,
          expiresMs: 0,
          clientId: 'c',
          topic: 't',
          headers: '',
          payload: Buffer.from(text),
        },
        (error) => {
          outstanding--
          if (error === null) {
            lastAcknowledged = Math.max(lastAcknowledged, seq ?? 0)
            print(
              `ack ${number} ${seq ?? 0}${options.latency === true ? ` ${(performance.now() - sentAt).toFixed(1)}` : ''}`,
            )
          } else {
            print(`refused ${number} ${error.code}`)
            again.push(number)
          }
        },
      )
    }
    if (again.length > 0 || ratePerSecond !== undefined) await sleep(ratePerSecond === undefined ? 20 : 1)
    else await new Promise((resolve) => setImmediate(resolve))
  }
}
