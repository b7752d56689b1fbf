import { connect, type Socket } from 'node:net'
import { waitUntil } from '../servers/wait-until.ts'

export interface PublisherOptions {
  port: number
  /** Also the device id in the topic, and part of the client id. */
  source: number
  qos: 1 | 2
  /** Messages that may wait for their acknowledgement. */
  window?: number
  /** Bytes added to each payload. */
  padding?: number
}

const CONNACK = 0x20
const PUBLISH = 0x30
const PUBACK = 0x40
const PUBREC = 0x50
const PUBREL = 0x62
const PUBCOMP = 0x70
const PINGRESP = 0xd0
const DUP = 0x08
const MAX_PACKET_ID = 65_535
const RECONNECT_MS = 50

/**
 * A device that publishes n = 1, 2, 3 … on `device/<source>/data` and notes which were acknowledged. It comes back after every
 * break of its connection, with the same session and packet ids, and goes on where each message stood [MQTT-4.4.0-1].
 * It speaks MQTT itself: a client library between would be one more thing that could lose or reorder a message.
 */
export class Publisher {
  readonly source: number
  readonly acknowledged: number[] = []
  /** The last n that was sent. */
  sent = 0
  /** Connections that were lost or refused. */
  breaks = 0
  private readonly options: PublisherOptions
  private readonly waiting = new Map<number, 'publish' | 'release'>()
  private readonly client: Buffer
  private socket: Socket | undefined
  private connected = false
  private input: Buffer = Buffer.alloc(0)
  private last = 0
  private closing = false
  private finished: () => void = () => undefined
  private timer: NodeJS.Timeout | undefined

  constructor(options: PublisherOptions) {
    this.options = options
    this.source = options.source
    this.client = text(`device-${options.source}`)
    this.open()
  }

  /** Publishes up to n = `last`; resolves when the last has been acknowledged, or `close` was called. */
  async publishTo(last: number): Promise<void> {
    this.last = last
    await new Promise<void>((resolve) => {
      this.finished = resolve
      this.send()
      this.finishIfDone()
    })
  }

  close(): void {
    this.closing = true
    clearTimeout(this.timer)
    this.socket?.destroy()
    this.finished()
  }

  private open(): void {
    const socket = connect({ host: '127.0.0.1', port: this.options.port, noDelay: true })
    this.socket = socket
    this.input = Buffer.alloc(0)
    // Level 4, no clean session, no keep-alive.
    const variable = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0, 0, 0])
    socket.once('connect', () => socket.write(packet(0x10, Buffer.concat([variable, this.client]))))
    socket.on('data', (chunk) => this.receive(chunk))
    // 'close' follows, and is where it comes back.
    socket.on('error', (error) => error)
    socket.once('close', () => {
      this.connected = false
      if (this.closing) return
      this.breaks++
      this.timer = setTimeout(() => this.open(), RECONNECT_MS)
    })
  }

  private receive(chunk: Buffer): void {
    let input = Buffer.concat([this.input, chunk])
    while (input.length >= 2 && input.length >= 2 + (input[1] ?? 0)) {
      const type = input[0] ?? 0
      const packetId = type === PINGRESP ? 0 : input.readUInt16BE(2)
      input = input.subarray(2 + (input[1] ?? 0))
      this.answered(type, packetId)
    }
    this.input = input
    this.finishIfDone()
    this.send()
  }

  private answered(type: number, packetId: number): void {
    if (type === CONNACK) return this.resume()
    const n = this.numberOf(packetId)
    if (n === undefined) return
    if (type === PUBREC) {
      this.waiting.set(n, 'release')
      this.socket?.write(release(packetId))
    } else if (type === PUBACK || type === PUBCOMP) {
      this.waiting.delete(n)
      this.acknowledged.push(n)
    }
  }

  /** Packet ids repeat after 65,535 messages; the window is far smaller. */
  private numberOf(packetId: number): number | undefined {
    for (const n of this.waiting.keys()) if (packetIdOf(n) === packetId) return n
    return undefined
  }

  private resume(): void {
    this.connected = true
    for (const [n, state] of this.waiting)
      this.socket?.write(state === 'release' ? release(packetIdOf(n)) : this.publish(n, DUP))
  }

  private send(): void {
    while (this.connected && this.sent < this.last && this.waiting.size < (this.options.window ?? 20)) {
      const n = ++this.sent
      this.waiting.set(n, 'publish')
      this.socket?.write(this.publish(n, 0))
    }
  }

  private publish(n: number, dup: number): Buffer {
    const { qos, padding } = this.options
    const more = padding === undefined ? '' : `,"padding":"${'x'.repeat(padding)}"`
    const body = [
      text(`device/${this.source}/data`),
      twoBytes(packetIdOf(n)),
      Buffer.from(`{"temperature":${n},"humidity":${this.source}${more}}`),
    ]
    return packet(PUBLISH | dup | (qos << 1), Buffer.concat(body))
  }

  private finishIfDone(): void {
    if (this.closing || this.acknowledged.length >= this.last) this.finished()
  }
}

function packetIdOf(n: number): number {
  return ((n - 1) % MAX_PACKET_ID) + 1
}

function release(packetId: number): Buffer {
  return packet(PUBREL, twoBytes(packetId))
}

function packet(first: number, body: Buffer): Buffer {
  const length: number[] = []
  for (let rest = body.length; length.length === 0 || rest > 0; rest = Math.floor(rest / 128))
    length.push((rest % 128) | (rest >= 128 ? 0x80 : 0))
  return Buffer.concat([Buffer.from([first, ...length]), body])
}

function text(value: string): Buffer {
  return Buffer.concat([twoBytes(Buffer.byteLength(value)), Buffer.from(value)])
}

function twoBytes(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}

export interface Fleet {
  publishers: Publisher[]
  /** How many messages have been acknowledged by now. */
  acknowledged(): number
  /** Resolves when everything up to `last` of each source is acknowledged. */
  publishTo(last: number): Promise<void>
  /** Resolves when this many have been acknowledged. */
  reached(count: number): Promise<void>
  close(): void
}

/** Several devices at once. */
export function startFleet(count: number, options: Omit<PublisherOptions, 'source'>): Fleet {
  const publishers = Array.from({ length: count }, (_, index) => new Publisher({ ...options, source: index + 1 }))
  const acknowledged = (): number => publishers.reduce((sum, one) => sum + one.acknowledged.length, 0)
  return {
    publishers,
    acknowledged,
    publishTo: async (last) => void (await Promise.all(publishers.map((one) => one.publishTo(last)))),
    reached: (wanted) =>
      waitUntil(
        () => `${wanted} messages acknowledged, now ${acknowledged()}`,
        () => acknowledged() >= wanted,
        60_000,
      ),
    close: () => publishers.forEach((one) => one.close()),
  }
}
