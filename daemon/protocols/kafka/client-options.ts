/** Everything that kafkajs is configured with. */
import type {
  ConsumerConfig,
  ConsumerRunConfig,
  KafkaConfig as ClientConfig,
  ProducerConfig,
  SASLOptions,
} from 'kafkajs'
import type { Logger } from '../../core/logger.ts'
import { DEFAULT_DEADLINE_MS } from '../../settings/sections/upstream-common.ts'
import type { KafkaConfig, KafkaSasl, KafkaTls } from './kafka-config.ts'

/** The codec numbers of Kafka's protocol. */
export const COMPRESSION = { none: 0, gzip: 1, zstd: 4 } as const

/** Kafka's name for "all in-sync replicas". */
export const ACKS_ALL = -1

export function deadlineOf(config: KafkaConfig): number {
  return config.deadlineMs ?? DEFAULT_DEADLINE_MS
}

export function clientOptions(config: KafkaConfig, logger: Logger, logLevel: number): ClientConfig {
  const { clientId, brokers, tls, sasl } = config
  const deadlineMs = deadlineOf(config)
  return {
    clientId,
    brokers: [...brokers],
    connectionTimeout: deadlineMs,
    authenticationTimeout: deadlineMs,
    // kafkajs measures its timeouts by the wall clock, which may step; our own deadline is around every call.
    enforceRequestTimeout: false,
    // Enough to try every broker; whether to try again later is the forwarder's decision.
    retry: { retries: Math.max(1, brokers.length), initialRetryTime: 50, maxRetryTime: 500 },
    logLevel,
    // Every error that kafkajs logs is also thrown, and is reported where it is caught.
    logCreator: () => (entry) => logger.debug({ ...entry.log }, `kafkajs: ${entry.log.message}`),
    ...(sasl === undefined ? {} : { sasl: saslOptions(sasl) }),
    ...(tls === undefined ? {} : { ssl: tlsOptions(tls) }),
  }
}

export const PRODUCER_OPTIONS: ProducerConfig = {
  idempotent: true,
  // With more requests in flight, a failed one would be overtaken by the next.
  maxInFlightRequests: 1,
  // The partition is chosen before: kafkajs must not spread the messages of one order key.
  createPartitioner:
    () =>
    ({ message }) =>
      message.partition ?? 0,
}

export function consumerOptions(groupId: string): ConsumerConfig {
  return { groupId, maxWaitTimeInMs: 1000, retry: { restartOnFailure: () => Promise.resolve(true) } }
}

/** Offsets are committed by the subscription, after its callbacks. */
export const RUN_OPTIONS: ConsumerRunConfig = { autoCommit: false, eachBatchAutoResolve: false }

function tlsOptions({ ca, cert, key, serverName }: KafkaTls): NonNullable<ClientConfig['ssl']> {
  return {
    ...(ca === undefined ? {} : { ca: [ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  }
}

function saslOptions(sasl: KafkaSasl): SASLOptions {
  if (sasl.mechanism !== 'oauthbearer') return sasl
  return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await sasl.token() }) }
}
