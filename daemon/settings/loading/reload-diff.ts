import { isDeepStrictEqual } from 'node:util'
import type { BrokerSettings } from '../sections/broker-settings.ts'
import type { HttpSettings } from '../sections/http-settings.ts'
import type { StoreSettings } from '../sections/store-settings.ts'
import type { Settings } from '../settings.ts'

/** YAML names of changed settings: those that a running gateway applies, and those that it reads only at start. */
export interface SettingsDiff {
  live: string[]
  restart: string[]
}

type Effect = keyof SettingsDiff
/** An entry for each setting, which the compiler enforces. */
type Effects<T> = Readonly<Record<keyof T, readonly [key: string, effect: Effect]>>

type OtherSettings = Omit<Settings, 'broker' | 'http' | 'store'>

const ROOT: Effects<OtherSettings> = {
  gateway: ['gateway.id', 'restart'],
  checkCpuMs: ['checkCpu', 'live'],
  asyncapi: ['asyncapi', 'live'],
  unmatched: ['unmatched', 'live'],
  allowUpstreamHosts: ['allowUpstreamHosts', 'live'],
  upstreams: ['upstreams', 'live'],
  routes: ['routes', 'live'],
  sensors: ['sensors', 'restart'],
  callLog: ['callLog', 'live'],
  shutdownTimeoutMs: ['shutdownTimeout', 'restart'],
  log: ['log.level', 'live'],
}

const BROKER: Effects<BrokerSettings> = {
  listeners: ['broker.listeners', 'restart'],
  anonymous: ['broker.anonymous', 'restart'],
  maxPacketSizeBytes: ['broker.maxPacketSize', 'live'],
  maxConnections: ['broker.maxConnections', 'live'],
  maxConnectionsPerIp: ['broker.maxConnectionsPerIp', 'live'],
  connectTimeoutMs: ['broker.connectTimeout', 'restart'],
  drainTimeoutMs: ['broker.drainTimeout', 'restart'],
  keepaliveLimitMs: ['broker.keepaliveLimit', 'restart'],
  maxInflight: ['broker.maxInflight', 'restart'],
  maxRetained: ['broker.maxRetained', 'live'],
  maxTopicLevels: ['broker.maxTopicLevels', 'live'],
  maxTopicBytes: ['broker.maxTopicBytes', 'live'],
}

const HTTP: Effects<HttpSettings> = {
  enabled: ['http', 'restart'],
  url: ['http.url', 'restart'],
  host: ['http.url', 'restart'],
  port: ['http.url', 'restart'],
  insecure: ['http.insecure', 'restart'],
  hosts: ['http.hosts', 'restart'],
  callbacks: ['http.callbacks', 'live'],
  maxConnections: ['http.maxConnections', 'restart'],
  maxStreams: ['http.maxStreams', 'restart'],
  headersTimeoutMs: ['http.headersTimeout', 'restart'],
  requestTimeoutMs: ['http.requestTimeout', 'restart'],
}

const STORE: Effects<StoreSettings> = {
  directory: ['store.directory', 'restart'],
  maxBytes: ['store.maxBytes', 'live'],
  maxAgeMs: ['store.maxAge', 'live'],
  whenFull: ['store.whenFull', 'live'],
  durability: ['store.durability', 'restart'],
  history: ['store.history', 'live'],
}

export function diffSettings(before: Settings, after: Settings): SettingsDiff {
  const diff: SettingsDiff = { live: [], restart: [] }
  compare<OtherSettings>(ROOT, before, after, diff)
  compare(HTTP, before.http, after.http, diff)
  compare(BROKER, before.broker, after.broker, diff)
  compare(STORE, before.store, after.store, diff)
  return diff
}

function compare<T extends object>(effects: Effects<T>, before: T, after: T, diff: SettingsDiff): void {
  for (const name in effects) {
    const [key, effect] = effects[name]
    if (!isDeepStrictEqual(before[name], after[name]) && !diff[effect].includes(key)) diff[effect].push(key)
  }
}
