import type { Client } from 'aedes'
import type { ClientState } from '../sessions/client-state.ts'
import { stateOf } from './clients.ts'

const PUBACK = 0x40
const PACKET_BYTES = 4

/** Writes the PUBACKs of one commit with one write a connection, where Aedes makes one a message (`ingest: CPU a message`). */
export class PubackBatch {
  private waiting: Client[] = []

  /** False where backpressure holds the connection: then Aedes has to acknowledge, because it waits for `drain`. */
  takes(client: Client): boolean {
    return client.connected && !client.conn.writableNeedDrain
  }

  add(client: Client, packetId: number): void {
    const state = stateOf(client)
    state.answered[state.answeredCount++] = packetId
    if (state.answeredCount > 1) return
    if (this.waiting.push(client) === 1) process.nextTick(() => this.flush())
  }

  /** To be called before anything else is written to the client: PUBACKs keep the order of the messages [MQTT-4.6.0-2]. */
  flushOf(client: Client): void {
    const state = stateOf(client)
    if (state.answeredCount === 0) return
    write(client, state)
    state.answeredCount = 0
  }

  private flush(): void {
    const { waiting } = this
    this.waiting = []
    for (const client of waiting) this.flushOf(client)
  }
}

function write({ conn }: Client, { answered, answeredCount }: ClientState): void {
  const bytes = Buffer.allocUnsafe(answeredCount * PACKET_BYTES)
  let at = 0
  for (let index = 0; index < answeredCount; index++) {
    const id = answered[index] ?? 0
    bytes[at++] = PUBACK
    bytes[at++] = 2
    bytes[at++] = id >> 8
    bytes[at++] = id & 0xff
  }
  if (!conn.destroyed) conn.write(bytes)
}
