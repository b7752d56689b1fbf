import { Socket } from 'node:net'
import type { Client } from 'aedes'
import type { CloseReason, Who } from '../connection-traces.ts'
import type { ConnectedClient } from '../listeners/broker-connection.ts'
import type { ClientState } from '../sessions/client-state.ts'
import { isKnown } from './known-versions.ts'

const STATE = Symbol('state')

/** State of a connected client. It hangs on Aedes' client, since a look-up by id would be made for each message (`ingest`). */
export function stateOf(client: Client & { [STATE]?: AedesClientState }): AedesClientState {
  return (client[STATE] ??= new AedesClientState(client))
}

/** Ends the wait of one message. Only the first call does anything. */
export type ReadOn = () => void

export class AedesClientState implements ClientState {
  waiting = 0
  waitingAcks = 0
  waitingBytes = 0
  progressed = false
  progressedAtMs = 0
  readonly answered: number[] = []
  answeredCount = 0
  readonly trail = { at: 0 }
  refused = false
  /** The broker ends the connection, and has said why. */
  ended = false
  /** Of messages that Aedes waits for before it reads on; made when there is one. */
  withheld: Set<ReadOn> | undefined
  /** Learns why the broker closes the connection, before it does. */
  onClosing: (client: Client, reason: CloseReason) => void = () => undefined
  private readonly client: Client

  constructor(client: Client) {
    this.client = client
  }

  /** Aedes stores 1.5 times the keep-alive, after which it closes the connection [MQTT-3.1.2-24]. */
  keepAliveMs(): number {
    const interval: unknown = isKnown('aedes') ? Reflect.get(this.client, '_keepaliveInterval') : 0
    return typeof interval === 'number' && interval > 0 ? interval / 1.5 : 0
  }

  closeWithoutWill(reason: CloseReason): void {
    dropWill(this.client)
    this.onClosing(this.client, reason)
    this.client.conn.destroy()
  }

  readOn(): void {
    for (const readOn of this.withheld ?? []) readOn()
  }
}

/** Aedes publishes the will of a connection that ends without DISCONNECT [MQTT-3.1.2-8], unless it has none. */
export function dropWill(client: Client): void {
  Object.assign(client, { will: null })
}

export function describeClient(client: Client, nowMs: number): ConnectedClient {
  const transport = client.conn instanceof Socket ? 'tcp' : 'websocket'
  return { clientId: client.id, address: addressOf(client.conn), sinceMs: nowMs, transport }
}

export function whoIs(client: Client): Who {
  // Aedes sets the id when it has read the CONNECT packet.
  const id: unknown = client.id
  return { client: typeof id === 'string' ? id : null, address: addressOf(client.conn) }
}

/** The client that Aedes has made of a connection. */
export function clientOf(connection: object): Client | undefined {
  return 'client' in connection ? (connection.client as Client) : undefined
}

function addressOf(connection: object): string | null {
  return 'remoteAddress' in connection && typeof connection.remoteAddress === 'string' ? connection.remoteAddress : null
}
