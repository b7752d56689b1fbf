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
  /** The name the server's certificate must carry, where it is not the broker's address. */
  readonly serverName?: string
}

export interface KafkaConfig {
  /** `host:port` of some brokers; the others are found through them. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly sasl?: KafkaSasl
  readonly tls?: KafkaTls
  readonly compression?: keyof typeof COMPRESSION
  /** Consumer group of `subscribe`; the client id if not given. */
  readonly groupId?: string
  /** Every connect and publish has ended after this time. */
  readonly deadlineMs?: number
}

/** The codec numbers of Kafka's protocol. */
export const COMPRESSION = { none: 0, gzip: 1, zstd: 4 } as const

export const DEFAULT_DEADLINE_MS = 15_000
