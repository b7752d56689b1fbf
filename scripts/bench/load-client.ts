import { connect, type Socket } from 'node:net'
import { connectPacket, PubackCounter } from './mqtt-packets.ts'
import type { PacketRing } from './packet-ring.ts'

export interface LoadClientOptions {
  port: number
  clientId: string
  ring: PacketRing
  onAcknowledged: (client: LoadClient, count: number) => void
  onFailure: (error: Error) => void
}

const CONNACK_LENGTH = 4
const READ_BUFFER_BYTES = 64 * 1024

/** One MQTT connection that does nothing but publish prepared packets and count what is acknowledged. */
export class LoadClient {
  inFlight = 0
  private closing = false
  private readonly ring: PacketRing
  private readonly socket: Socket

  private constructor(socket: Socket, ring: PacketRing) {
    this.socket = socket
    this.ring = ring
  }

  /** Resolves when the broker has accepted the client. */
  static connect(options: LoadClientOptions): Promise<LoadClient> {
    return new Promise((resolve, reject) => {
      const pubacks = new PubackCounter()
      let connack = Buffer.alloc(0)
      let accepted = false
      const take = (size: number, buffer: Uint8Array): boolean => {
        if (accepted) {
          const count = pubacks.take(buffer, size)
          client.inFlight -= count
          if (count > 0) options.onAcknowledged(client, count)
          return true
        }
        connack = Buffer.concat([connack, buffer.subarray(0, size)])
        if (connack.length < CONNACK_LENGTH) return true
        accepted = connack[0] === 0x20 && connack[3] === 0
        if (accepted) resolve(client)
        else reject(new Error(`the broker refused the connection with code ${connack[3]}`))
        return true
      }
      const socket = connect({
        host: '127.0.0.1',
        port: options.port,
        noDelay: true,
        // One buffer for all reads: this process must not spend its time on allocating.
        onread: { buffer: Buffer.allocUnsafe(READ_BUFFER_BYTES), callback: take },
      })
      const fail = (error: Error) => (accepted ? options.onFailure(error) : reject(error))
      const client = new LoadClient(socket, options.ring)
      socket.once('connect', () => socket.write(connectPacket(options.clientId)))
      socket.on('error', fail)
      socket.on('close', () => {
        if (!client.closing) fail(new Error(`the broker closed the connection of ${options.clientId}`))
      })
    })
  }

  publish(count: number): void {
    this.inFlight += count
    this.ring.send(count, this.write)
  }

  close(): void {
    this.closing = true
    this.socket.destroy()
  }

  private readonly write = (bytes: Buffer): void => {
    this.socket.write(bytes)
  }
}
