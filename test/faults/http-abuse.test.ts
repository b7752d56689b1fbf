import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitUntil } from '../servers/wait-until.ts'
import { call } from '../support/api.ts'
import { DaemonProcess } from '../support/daemon-process.ts'

const SLOW = 500
const MAX_STREAMS = 200
const MAX_CONNECTIONS = 1_600
/** Ten times what the row allows: this machine may be busy with other things. */
const GOOD_WITHIN_MS = 5_000
const MAX_GROWTH_BYTES = 160 * 1024 ** 2

const daemon = await DaemonProcess.create()
let channel = ''
let restingBytes = 0

beforeAll(async () => {
  daemon.configure({
    http: {
      url: `http://127.0.0.1:${daemon.httpPort}`,
      headersTimeout: '3s',
      requestTimeout: '6s',
      maxConnections: MAX_CONNECTIONS,
      maxStreams: MAX_STREAMS,
    },
  })
  await daemon.start()
  const { body } = await call<{ items: { id: string }[] }>(daemon, 'GET', '/channels')
  channel = body.items[0]?.id ?? ''
  await good()
  restingBytes = residentBytes()
})
afterAll(() => daemon.remove())

function residentBytes(): number {
  const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024
}

/** A connection that says what it is told to, a piece at a time, and keeps what it hears. */
class Slow {
  readonly socket: Socket
  heard = ''
  closed = false

  constructor(first: string, next: string) {
    this.socket = connect(daemon.httpPort, '127.0.0.1')
    this.socket.on('error', () => this.socket.destroy())
    this.socket.on('data', (data: Buffer) => (this.heard += data.toString('latin1')))
    this.socket.write(first)
    const timer = setInterval(() => this.socket.write(next), 300)
    this.socket.on('close', () => {
      this.closed = true
      clearInterval(timer)
    })
  }
}

/** What an operator and a publisher do; resolves to how long the slower of both has taken. */
async function good(): Promise<number> {
  const startedAt = performance.now()
  const payload = { temperature: 1, humidity: 2 }
  const ask = { channel_id: channel, payload, parameters: { deviceId: '7' } }
  const [ready, published] = await Promise.all([daemon.get('/readyz'), call(daemon, 'POST', '/messages/publish', ask)])
  expect([ready.status, published.status]).toEqual([200, 202])
  return performance.now() - startedAt
}

/** Good requests one after the other until `abuse` is over; each in time, and the memory within its bound. */
async function whileAbused(abuse: () => Promise<void>): Promise<void> {
  let isOver = false
  const over = abuse().finally(() => {
    isOver = true
  })
  const times: number[] = []
  let peakBytes = 0
  while (!isOver) {
    times.push(await good())
    peakBytes = Math.max(peakBytes, residentBytes())
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await over
  times.sort((a, b) => a - b)
  const p99 = times[Math.floor(times.length * 0.99)] ?? 0
  console.log(
    `${times.length} good requests, p99 ${p99.toFixed(0)} ms, memory +${Math.round((peakBytes - restingBytes) / 1024 ** 2)} MiB`,
  )
  expect(p99).toBeLessThan(GOOD_WITHIN_MS)
  expect(peakBytes - restingBytes).toBeLessThan(MAX_GROWTH_BYTES)
}

async function cutOff(all: readonly Slow[], limitMs: number): Promise<void> {
  await waitUntil(
    () => `every connection is cut off: ${all.filter((one) => !one.closed).length} are not`,
    () => all.every((one) => one.closed),
    limitMs,
  )
}

describe('a good request is answered, and memory is bounded', () => {
  test('while 500 connections never end their headers: they are cut off', async () => {
    await whileAbused(async () => {
      const all = Array.from(
        { length: SLOW },
        (_, i) => new Slow('GET / HTTP/1.1\r\nHost: localhost\r\n', `x-${i}: 1\r\n`),
      )
      await cutOff(all, 30_000)
      expect(all.filter((one) => one.heard.startsWith('HTTP/1.1 408'))).toHaveLength(SLOW)
    })
    expect(await daemon.metric('http_connections_slow_total')).toBeGreaterThanOrEqual(SLOW)
  })

  test('while 500 connections never end their large bodies: they are cut off, and share what memory there is for them', async () => {
    const head = `POST /messages/publish HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n`
    await whileAbused(async () => {
      const all = Array.from({ length: SLOW }, () => new Slow(`${head}"${'x'.repeat(900_000)}`, 'x'))
      await cutOff(all, 60_000)
      const refused = all.filter((one) => one.heard.includes('HTTP/1.1 503')).length
      expect(refused).toBeGreaterThan(0)
      expect(all.every((one) => /^HTTP\/1\.1 (?:408|503)/.test(one.heard) || one.heard === '')).toBe(true)
    })
    expect(await daemon.metric('http_bodies_refused_total')).toBeGreaterThan(0)
  })

  test('while others send headers of a megabyte', async () => {
    await whileAbused(async () => {
      for (let round = 0; round < 5; round++) {
        const big = `GET / HTTP/1.1\r\nHost: localhost\r\nX-Big: ${'x'.repeat(1_000_000)}\r\n\r\n`
        const all = Array.from({ length: 20 }, () => new Slow(big, ''))
        await cutOff(all, 30_000)
        // The answer may be lost to what was still on its way.
        expect(all.every((one) => one.heard === '' || one.heard.startsWith('HTTP/1.1 431'))).toBe(true)
      }
    })
  })

  test('while others ask for what lies above, or come from other pages', async () => {
    const raw = async (path: string, headers: string): Promise<string> => {
      const one = new Slow(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`, '')
      await cutOff([one], 10_000)
      return one.heard
    }
    await whileAbused(async () => {
      for (const path of [
        '/../etc/passwd',
        '/%2e%2e/%2e%2e/etc/passwd',
        '/..%2f..%2fetc%2fpasswd',
        '/channels/..%5c..',
        '/%c0%ae%c0%ae/',
        '/.%00./',
      ]) {
        const answer = await raw(path, '')
        expect([path, answer.split(' ')[1]]).toEqual([path, expect.stringMatching(/^4/) as string])
        expect(answer).not.toContain('root:')
      }
      for (const header of ['Origin: https://evil.example', 'Origin: null', 'Origin: http://localhost:1'])
        expect((await raw('/channels', `${header}\r\n`)).split(' ')[1]).toBe('403')
      const form = `POST /messages/publish HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}`
      const posted = new Slow(form, '')
      await cutOff([posted], 10_000)
      expect(posted.heard.split(' ')[1]).toBe('415')
      const rebound = new Slow('GET /channels HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n', '')
      await cutOff([rebound], 10_000)
      expect(rebound.heard.split(' ')[1]).toBe('421')
    })
  })

  test('while streams are opened without end: so many as may are, the others are told', async () => {
    const all: Slow[] = []
    await whileAbused(async () => {
      for (let count = 0; count < 3 * MAX_STREAMS; count++)
        all.push(new Slow('GET /messages/stream HTTP/1.1\r\nHost: localhost\r\n\r\n', ''))
      await waitUntil(
        () => 'all are answered',
        () => all.every((one) => one.heard !== ''),
      )
      await new Promise((resolve) => setTimeout(resolve, 2_000))
    })
    expect(all.filter((one) => one.heard.startsWith('HTTP/1.1 200'))).toHaveLength(MAX_STREAMS)
    expect(all.filter((one) => one.heard.startsWith('HTTP/1.1 429'))).toHaveLength(2 * MAX_STREAMS)
    for (const one of all) one.socket.destroy()
  })
})

test('connections above the cap are closed at once and counted; those that are there go on', async () => {
  const before = await daemon.metric('http_connections_refused_total')
  const all = Array.from({ length: MAX_CONNECTIONS + 200 }, () => new Slow('', ''))
  await waitUntil(
    () => 'those above the cap are closed',
    () => all.filter((one) => one.closed).length >= 200,
  )
  for (const one of all) one.socket.destroy()
  await waitUntil(
    () => 'there is room again',
    async () => (await daemon.get('/healthz').catch(() => undefined))?.status === 200,
  )
  expect((await daemon.metric('http_connections_refused_total')) - before).toBeGreaterThanOrEqual(200)
})
