import type { Client } from 'aedes'
import { stateOf } from './client-state.ts'

const PUBACK = 0x40
const PACKET_BYTES = 4

/** The acknowledgements of one commit leave together: one write a connection, where Aedes makes one a message. */
export class PubackBatch {
  private waiting: Client[] = []

  /** False where Aedes has to acknowledge, whose way waits for a connection that takes no more. */
  takes(client: Client): boolean {
    return client.connected && !client.conn.writableNeedDrain
  }

  add(client: Client, packetId: number): void {
    if (stateOf(client).answered.push(packetId) > 1) return
    if (this.waiting.push(client) === 1) process.nextTick(() => this.flush())
  }

  /** To be called before anything else is written to a client: acknowledgements keep the order of the messages [MQTT-4.6.0-2]. */
  flushOf(client: Client): void {
    const { answered } = stateOf(client)
    if (answered.length === 0) return
    write(client, answered)
    answered.length = 0
  }

  private flush(): void {
    const { waiting } = this
    this.waiting = []
    for (const client of waiting) this.flushOf(client)
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
