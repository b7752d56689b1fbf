import type { LogLevel } from '../core/logger.ts'
import type { AsyncapiEntry } from './sections/asyncapi-settings.ts'
import type { BrokerSettings } from './sections/broker-settings.ts'
import type { CallLogSettings } from './sections/call-log-settings.ts'
import type { HttpSettings } from './sections/http-settings.ts'
import type { RouteSettings } from './sections/route-settings.ts'
import type { SensorSettings } from './sections/sensor-settings.ts'
import type { StoreSettings } from './sections/store-settings.ts'
import type { UpstreamSettings } from './sections/upstream-common.ts'

/**
 * The complete, checked configuration: paths are absolute, durations in ms, sizes in bytes. It mirrors the YAML; each section has a file
 * with its type, schema and defaults.
 */
export interface Settings {
  gateway: { id: string }
  checkCpuMs: number
  asyncapi: AsyncapiEntry[]
  unmatched: Unmatched
  allowUpstreamHosts: string[]
  broker: BrokerSettings
  http: HttpSettings
  /** By name. Look up with Object.hasOwn, because the user chooses the names. */
  upstreams: Record<string, UpstreamSettings>
  routes: RouteSettings[]
  store: StoreSettings
  sensors: SensorSettings[]
  callLog: CallLogSettings
  shutdownTimeoutMs: number
  /** `trace` logs as much as `debug`. */
  log: { level: LogLevel | 'trace' }
}

/** Handling of messages whose topic no document describes. */
export const UNMATCHED = ['local', 'quarantine', 'pass'] as const
export type Unmatched = (typeof UNMATCHED)[number]
