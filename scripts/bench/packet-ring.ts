import { publishPacket } from './mqtt-packets.ts'

/**
 * A client's PUBLISH packets, one behind the other in memory with ids 1, 2, 3 …, sent round and round, so that any
 * number of them is one or two writes. There are more of them than may be in flight: ids come back in the order
 * they went out [MQTT-4.6.0-2], so none is used twice at a time.
 */
export class PacketRing {
  readonly slots: number
  private readonly bytes: Buffer
  private readonly starts: Uint32Array
  private next = 0

  constructor(slots: number, payload: string, topicOf: (slot: number) => string) {
    if (slots < 1 || slots > 65_535) throw new Error(`${slots} packets do not fit the packet ids`)
    const packets = Array.from({ length: slots }, (_, slot) => publishPacket(topicOf(slot), payload, slot + 1))
    this.slots = slots
    this.bytes = Buffer.concat(packets)
    this.starts = new Uint32Array(slots + 1)
    for (const [slot, { length }] of packets.entries()) this.starts[slot + 1] = this.startOf(slot) + length
  }

  /** Hands the next packets to `write`; not more of them than there are slots. */
  send(count: number, write: (bytes: Buffer) => void): void {
    const end = Math.min(this.next + count, this.slots)
    write(this.bytes.subarray(this.startOf(this.next), this.startOf(end)))
    const wrapped = count - (end - this.next)
    if (wrapped > 0) write(this.bytes.subarray(0, this.startOf(wrapped)))
    this.next = (this.next + count) % this.slots
  }

  private startOf(slot: number): number {
    return this.starts[slot] ?? 0
  }
}
