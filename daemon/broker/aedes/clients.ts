import { Socket } from 'node:net'
import type { Client } from 'aedes'
import type { ConnectedClient } from '../listeners/broker-connection.ts'
import type { ClientState } from '../sessions/client-state.ts'
import { isKnown } from './known-versions.ts'

const STATE = Symbol('state')

/** State of a connected client. It hangs on Aedes' client, since a look-up by id would be made for each message (`ingest`). */
export function stateOf(client: Client & { [STATE]?: ClientState }): ClientState {
  return (client[STATE] ??= new AedesClientState(client))
}

class AedesClientState implements ClientState {
  waiting = 0
  waitingBytes = 0
  progressed = false
  progressedAtMs = 0
  readonly answered: number[] = []
  answeredCount = 0
  readonly trail = { at: 0 }
  private readonly client: Client

  constructor(client: Client) {
    this.client = client
  }

  /** Aedes stores 1.5 times the keep-alive, after which it closes the connection [MQTT-3.1.2-24]. */
  keepAliveMs(): number {
    const interval: unknown = isKnown('aedes') ? Reflect.get(this.client, '_keepaliveInterval') : 0
    return typeof interval === 'number' && interval > 0 ? interval / 1.5 : 0
  }

  closeWithoutWill(): void {
    dropWill(this.client)
    this.client.conn.destroy()
  }
}

/** Aedes publishes the will of a connection that ends without DISCONNECT [MQTT-3.1.2-8], unless it has none. */
export function dropWill(client: Client): void {
  Object.assign(client, { will: null })
}

export function describeClient(client: Client, nowMs: number): ConnectedClient {
  const address = 'remoteAddress' in client.conn ? (client.conn.remoteAddress ?? null) : null
  const transport = client.conn instanceof Socket ? 'tcp' : 'websocket'
  return { clientId: client.id, address, sinceMs: nowMs, transport }
}
