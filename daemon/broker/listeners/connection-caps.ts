import { isLoopback } from '../../core/loopback.ts'
import type { BrokerSettings } from '../../settings/sections/broker-settings.ts'
import type { BrokerConnection } from './broker-connection.ts'

export type ConnectionLimits = Pick<BrokerSettings, 'maxConnections' | 'maxConnectionsPerIp'>

/** Bounds connections, in all and per address. Loopback has no bound of its own: a proxy's connections all come from there. */
export class ConnectionCaps {
  /** Read for each connection, because a reload changes them. */
  private readonly limits: ConnectionLimits
  private readonly perIp = new Map<string, number>()
  private count = 0
  /** Connections refused since the start. */
  refused = 0

  constructor(limits: ConnectionLimits) {
    this.limits = limits
  }

  get connections(): number {
    return this.count
  }

  /** Counts the connection until it closes. Returns false when a limit is reached. */
  admit(socket: BrokerConnection): boolean {
    const ip = socket.remoteAddress ?? ''
    const counted = !isLoopback(ip)
    const ofIp = this.perIp.get(ip) ?? 0
    if (this.count >= this.limits.maxConnections || (counted && ofIp >= this.limits.maxConnectionsPerIp)) {
      this.refused++
      return false
    }
    this.count++
    if (counted) this.perIp.set(ip, ofIp + 1)
    socket.once('close', () => {
      this.count--
      if (!counted) return
      const left = (this.perIp.get(ip) ?? 1) - 1
      if (left === 0) this.perIp.delete(ip)
      else this.perIp.set(ip, left)
    })
    return true
  }
}
