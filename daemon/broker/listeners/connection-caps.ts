import type { BrokerSettings } from '../../settings/sections/broker-settings.ts'
import type { BrokerConnection } from './broker-connection.ts'

export type ConnectionLimits = Pick<BrokerSettings, 'maxConnections' | 'maxConnectionsPerIp'>

/** How many connections there are, in all and per address. Loopback is not counted per address: proxies and tests come from there. */
export class ConnectionCaps {
  /** Read with each connection: they may change. */
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

  /** Takes a place for the connection until it closes; false if there is none. */
  admit(socket: BrokerConnection): boolean {
    const ip = socket.remoteAddress ?? ''
    const counted = !isLoopbackAddress(ip)
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

export function isLoopbackAddress(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.')
}
