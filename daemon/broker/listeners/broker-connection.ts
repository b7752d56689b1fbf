import type { Duplex } from 'node:stream'

/** What a client speaks MQTT over: a TCP socket, or the stream of a WebSocket. */
export type BrokerConnection = Duplex & { readonly remoteAddress?: string | undefined }

/** A client as operators see it. */
export interface ConnectedClient {
  clientId: string
  address: string | null
  /** Wall time of its CONNECT. */
  sinceMs: number
  transport: 'tcp' | 'websocket'
}
