import { createServer, type Server } from 'node:net'
import { EdgeError, systemCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { BrokerSettings } from '../../settings/sections/broker-settings.ts'
import type { ConnectionTraces } from '../connection-traces.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { ConnectionCaps } from './connection-caps.ts'
import { gateFrames } from './frame-gate.ts'

export interface MqttListenersOptions {
  /** Limits are read for each connection, because a reload changes them. */
  settings: Pick<BrokerSettings, 'listeners' | 'maxPacketSizeBytes'>
  caps: ConnectionCaps
  logger: Logger
  traces: Pick<ConnectionTraces, 'refused'>
  serve: (connection: BrokerConnection) => void
  /** A packet declares more than `maxPacketSize`; the connection is closed after the call. */
  onTooLarge: (connection: BrokerConnection, declaredBytes: number) => void
}

/** Accepts connections, bounded in number and packet size, and hands them on to be served. */
export class MqttListeners {
  /** Connections closed because a packet declared more than `maxPacketSize`. */
  closedForSize = 0
  private readonly options: MqttListenersOptions
  private readonly servers: Server[] = []
  private readonly connections = new Set<BrokerConnection>()
  private accepting = true

  constructor(options: MqttListenersOptions) {
    this.options = options
  }

  /** Opens every listener. Throws `listen-failed`. Resolves to the ports. */
  async open(): Promise<number[]> {
    const ports: number[] = []
    for (const { host, port, url } of this.options.settings.listeners) {
      // Without noDelay, Nagle's algorithm and delayed ACKs hold the PUBACK of a steady device back for 10 ms.
      const server = createServer({ noDelay: true, pauseOnConnect: false }, (socket) => {
        if (!this.accept(socket)) socket.destroy()
      })
      await new Promise<void>((resolve, reject) => {
        server.once('error', (error) =>
          reject(new EdgeError('listen-failed', `${url}: ${systemCode(error) ?? error.message}`, { cause: error })),
        )
        server.listen({ host, port, backlog: 1024 }, resolve)
      })
      server.on('error', (error) => this.options.logger.error({ err: error, url }, 'listener failed'))
      this.servers.push(server)
      const address = server.address()
      ports.push(typeof address === 'object' && address !== null ? address.port : port)
    }
    return ports
  }

  /** Adopts an open connection. Returns false when it stops, or when a connection limit is reached. */
  accept(connection: BrokerConnection): boolean {
    const { settings, caps, traces, serve, onTooLarge } = this.options
    if (!this.accepting) return false
    if (!caps.admit(connection)) {
      traces.refused({ client: null, address: connection.remoteAddress ?? null }, 'connection-limit')
      return false
    }
    this.connections.add(connection)
    connection.once('close', () => this.connections.delete(connection))
    gateFrames(connection, settings.maxPacketSizeBytes, (declared) => {
      this.closedForSize++
      onTooLarge(connection, declared)
    })
    serve(connection)
    return true
  }

  /** Accepts no more connections, and stops reading from those that are open. */
  stop(): void {
    this.accepting = false
    for (const server of this.servers) server.close()
    for (const connection of this.connections) connection.pause()
  }

  destroyConnections(): void {
    for (const connection of this.connections) connection.destroy()
  }
}
