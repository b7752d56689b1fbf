import { connect, type Socket } from 'node:net'
import { waitUntil } from '../servers/wait-until.ts'

export interface RawConnect {
  clientId?: string
  clean?: boolean
  /** Protocol level; 4 is MQTT 3.1.1. */
  level?: number
  keepAlive?: number
  username?: string
  will?: { topic: string; payload: string; retain?: boolean }
}

export interface RawPacket {
  /** The high four bits of the first byte. */
  type: number
  flags: number
  body: Buffer
}

export const CONNACK = 2
export const PUBLISH = 3
export const PUBACK = 4
export const PUBREC = 5
export const PUBREL = 6
export const PUBCOMP = 7
export const SUBACK = 9
export const UNSUBACK = 11

/** A connection that sends exactly the bytes it is told, in one segment a call, and lists what it gets. */
export class RawMqtt {
  readonly socket: Socket
  closed = false
  private bytes = Buffer.alloc(0)

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port, noDelay: true })
    this.socket.on('data', (chunk) => (this.bytes = Buffer.concat([this.bytes, chunk])))
    // 'close' follows.
    this.socket.on('error', () => undefined)
    this.socket.once('close', () => (this.closed = true))
  }

  /** Resolves to the session present flag when the CONNACK has come. */
  static async open(port: number, options: RawConnect = {}): Promise<{ client: RawMqtt; sessionPresent: boolean }> {
    const client = new RawMqtt(port)
    client.send(connectPacket(options))
    const { body } = await client.received(CONNACK)
    return { client, sessionPresent: body[0] === 1 }
  }

  send(...packets: Buffer[]): void {
    this.socket.write(Buffer.concat(packets))
  }

  end(...packets: Buffer[]): void {
    this.socket.end(Buffer.concat(packets))
  }

  get raw(): Buffer {
    return this.bytes
  }

  packets(type?: number): RawPacket[] {
    const found: RawPacket[] = []
    for (let at = 0; at + 2 <= this.bytes.length;) {
      let [length, shift, header] = [0, 0, 1]
      for (let more = true; more; shift += 7) {
        const byte = this.bytes[at + header++] ?? 0
        length |= (byte & 127) << shift
        more = byte > 127
      }
      if (at + header + length > this.bytes.length) break
      const first = this.bytes[at] ?? 0
      const body = this.bytes.subarray(at + header, at + header + length)
      if (type === undefined || first >> 4 === type) found.push({ type: first >> 4, flags: first & 15, body })
      at += header + length
    }
    return found
  }

  /** The first packet of a type, or the one at `index` among them. */
  async received(type: number, index = 0): Promise<RawPacket> {
    await waitUntil(
      () => `packet ${index} of type ${type}, got ${this.packets().map((one) => one.type)}`,
      () => this.packets(type).length > index,
    )
    const packet = this.packets(type)[index]
    if (packet === undefined) throw new Error('no such packet')
    return packet
  }

  async destroy(): Promise<void> {
    this.socket.destroy()
    await this.gone()
  }

  async gone(): Promise<void> {
    await waitUntil(
      () => 'the connection is closed',
      () => this.closed,
    )
  }
}

export function connectPacket(options: RawConnect = {}): Buffer {
  const { clientId = 'raw', clean = true, level = 4, keepAlive = 0, username, will } = options
  const flags =
    (clean ? 2 : 0) |
    (will === undefined ? 0 : 4) |
    (will?.retain === true ? 32 : 0) |
    (username === undefined ? 0 : 128)
  const rest = [
    ...(level === 5 ? [Buffer.from([0])] : []),
    text(clientId),
    ...(will === undefined ? [] : [text(will.topic), text(will.payload)]),
    ...(username === undefined ? [] : [text(username)]),
  ]
  return packet(0x10, text('MQTT'), Buffer.from([level, flags, keepAlive >> 8, keepAlive & 255]), ...rest)
}

export interface RawPublish {
  qos?: 0 | 1 | 2
  id?: number
  retain?: boolean
  dup?: boolean
}

export function publishPacket(topic: string, payload: string, options: RawPublish = {}): Buffer {
  const { qos = 0, id = 1, retain = false, dup = false } = options
  const ids = qos === 0 ? [] : [twoBytes(id)]
  return packet(0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0), text(topic), ...ids, Buffer.from(payload))
}

export function pubrelPacket(id: number): Buffer {
  return packet(0x62, twoBytes(id))
}

export function pubrecPacket(id: number): Buffer {
  return packet(0x50, twoBytes(id))
}

export function subscribePacket(id: number, filters: Readonly<Record<string, 0 | 1 | 2>>): Buffer {
  return packet(
    0x82,
    twoBytes(id),
    ...Object.entries(filters).flatMap(([filter, qos]) => [text(filter), Buffer.from([qos])]),
  )
}

export function unsubscribePacket(id: number, ...filters: string[]): Buffer {
  return packet(0xa2, twoBytes(id), ...filters.map(text))
}

export const disconnectPacket = Buffer.from([0xe0, 0])

/** Topic, payload, QoS and packet id of a PUBLISH. */
export function readPublish({ flags, body }: RawPacket): { topic: string; payload: string; qos: number; id: number } {
  const end = 2 + body.readUInt16BE(0)
  const qos = (flags >> 1) & 3
  const id = qos === 0 ? 0 : body.readUInt16BE(end)
  return { topic: body.toString('utf8', 2, end), payload: body.toString('utf8', end + (qos === 0 ? 0 : 2)), qos, id }
}

function packet(first: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const length: number[] = []
  for (let rest = body.length; length.length === 0 || rest > 0; rest >>= 7)
    length.push((rest & 127) | (rest > 127 ? 128 : 0))
  return Buffer.concat([Buffer.from([first, ...length]), body])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([twoBytes(bytes.length), bytes])
}

function twoBytes(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255])
}
