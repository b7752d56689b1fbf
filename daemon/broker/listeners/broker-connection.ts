import type { Duplex } from 'node:stream'

/** A byte stream that carries MQTT: a TCP socket, or a WebSocket's stream. */
export type BrokerConnection = Duplex & { readonly remoteAddress?: string | undefined }

/** A client as operators see it. */
export interface ConnectedClient {
  clientId: string
  address: string | null
  /** Wall time of its CONNECT. */
  sinceMs: number
  transport: 'tcp' | 'websocket'
}
