import { readFileSync } from 'node:fs'
import { EdgeError, messageOf } from '../../core/errors.ts'
import type { KafkaUpstream, TlsFiles } from './kafka-settings.ts'

export type KafkaSasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
      readonly username: string
      readonly password: string
    }
  | { readonly mechanism: 'oauthbearer'; readonly token: () => Promise<string> }

export interface KafkaTls {
  /** PEM texts; without `ca` the system's authorities are trusted. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** The name that the server's certificate must carry, where it is not the broker's address. */
  readonly serverName?: string
}

/** The configuration that `connect` takes. */
export interface KafkaConfig {
  /** `host:port` of some brokers; the others are found through them. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly sasl?: KafkaSasl
  readonly tls?: KafkaTls
  readonly compression?: KafkaUpstream['compression']
  /** Consumer group of `subscribe`; the client id if not given. */
  readonly groupId?: string
  /** Every connect and publish has ended after this time. */
  readonly deadlineMs?: number
}

/** Files are read at each call, so that a renewed certificate is used from the next connection on. */
export function kafkaConfigOf(upstream: KafkaUpstream, gatewayId: string): KafkaConfig {
  const { brokers, clientId, sasl, tls, compression, deadlineMs } = upstream
  return {
    brokers,
    clientId: clientId ?? `stepflow-${gatewayId}`,
    groupId: `stepflow-${gatewayId}`,
    compression,
    deadlineMs,
    ...(sasl === undefined ? {} : { sasl }),
    ...(tls === undefined ? {} : { tls: readTlsFiles(tls) }),
  }
}

function readTlsFiles(files: TlsFiles): KafkaTls {
  const texts: { ca?: string; cert?: string; key?: string } = {}
  for (const name of ['ca', 'cert', 'key'] as const) {
    const file = files[name]
    if (file === undefined) continue
    try {
      texts[name] = readFileSync(file, 'utf8')
    } catch (error) {
      throw new EdgeError('upstream-tls', `${name} cannot be read: ${messageOf(error)}`, {
        cause: error,
        place: { file },
      })
    }
  }
  return files.serverName === undefined ? texts : { ...texts, serverName: files.serverName }
}
