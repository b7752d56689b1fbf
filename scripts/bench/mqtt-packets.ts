/** The few MQTT 3.1.1 packets that a load generator needs, made once and sent as they are. */

const CONNECT = 0x10
const PUBLISH_QOS_1 = 0x32
const PUBACK = 0x40
const PUBACK_LENGTH = 4
const CLEAN_SESSION = 0x02

/** Without a keep-alive: nothing but PUBACKs will come back. */
export function connectPacket(clientId: string): Buffer {
  const head = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, CLEAN_SESSION, 0, 0])
  return packet(CONNECT, Buffer.concat([head, lengthPrefixed(clientId)]))
}

export function publishPacket(topic: string, payload: string, packetId: number): Buffer {
  const id = Buffer.from([packetId >> 8, packetId & 0xff])
  return packet(PUBLISH_QOS_1, Buffer.concat([lengthPrefixed(topic), id, Buffer.from(payload)]))
}

function packet(type: number, body: Buffer): Buffer {
  const head = [type]
  let rest = body.length
  do {
    head.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest >>= 7
  } while (rest > 0)
  return Buffer.concat([Buffer.from(head), body])
}

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
}

/** Counts PUBACKs in a stream of nothing else: they all have one length, so a chunk is counted, not parsed. */
export class PubackCounter {
  /** Bytes of a PUBACK that a chunk broke off. */
  private broken = 0

  /** How many became complete with the first `length` bytes. */
  take(chunk: Uint8Array, length: number): number {
    const first = (PUBACK_LENGTH - this.broken) % PUBACK_LENGTH
    for (let at = first; at < length; at += PUBACK_LENGTH) {
      if (chunk[at] !== PUBACK) throw new Error(`the broker sent a packet of type ${chunk[at]}, not a PUBACK`)
    }
    const bytes = this.broken + length
    this.broken = bytes % PUBACK_LENGTH
    return (bytes - this.broken) / PUBACK_LENGTH
  }
}
