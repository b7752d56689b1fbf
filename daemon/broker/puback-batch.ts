import type { Client } from 'aedes'

const PUBACK = 0x40
const PACKET_BYTES = 4

/** The acknowledgements of one commit leave together: one write a connection, where Aedes makes one a message. */
export class PubackBatch {
  private readonly waiting = new Map<Client, number[]>()
  private scheduled = false

  /** False where Aedes has to acknowledge, whose way waits for a connection that takes no more. */
  takes(client: Client): boolean {
    return client.connected && !client.conn.writableNeedDrain
  }

  add(client: Client, packetId: number): void {
    const ids = this.waiting.get(client)
    if (ids !== undefined) ids.push(packetId)
    else this.waiting.set(client, [packetId])
    if (!this.scheduled) {
      this.scheduled = true
      process.nextTick(() => this.flush())
    }
  }

  /** To be called before anything else is written to a client: acknowledgements keep the order of the messages [MQTT-4.6.0-2]. */
  flushOf(client: Client): void {
    const ids = this.waiting.get(client)
    if (ids === undefined) return
    this.waiting.delete(client)
    write(client, ids)
  }

  private flush(): void {
    this.scheduled = false
    for (const [client, ids] of this.waiting) write(client, ids)
    this.waiting.clear()
  }
}

function write({ conn }: Client, ids: readonly number[]): void {
  const bytes = Buffer.allocUnsafe(ids.length * PACKET_BYTES)
  let at = 0
  for (const id of ids) {
    bytes[at++] = PUBACK
    bytes[at++] = 2
    bytes[at++] = id >> 8
    bytes[at++] = id & 0xff
  }
  if (!conn.destroyed) conn.write(bytes)
}
