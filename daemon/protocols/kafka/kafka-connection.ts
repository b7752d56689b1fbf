import { type Socket, connect as connectTcp, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type {
  Admin,
  Consumer,
  ISocketFactoryArgs,
  KafkaConfig as ClientConfig,
  Kafka,
  Producer,
  SASLOptions,
} from 'kafkajs'
import type { Logger } from '../../core/logger.ts'
import { DEFAULT_DEADLINE_MS, type KafkaConfig, type KafkaSasl } from './kafka-options.ts'
import { loadKafkajs } from './load-kafkajs.ts'

const DISCONNECT_MS = 1000

/**
 * One kafkajs client whose sockets are ours: kafkajs waits for outstanding answers before it closes anything, so a client
 * that does not answer can be left only by destroying them.
 */
export class KafkaConnection {
  readonly producer: Producer
  readonly admin: Admin
  private readonly kafka: Kafka
  private readonly sockets: Set<Socket>
  isDropped = false

  static async create(config: KafkaConfig, logger: Logger): Promise<KafkaConnection> {
    const kafkajs = await loadKafkajs()
    const sockets = new Set<Socket>()
    const openSocket = (args: ISocketFactoryArgs) => connection.openSocket(args)
    const kafka = new kafkajs.Kafka({
      ...clientConfig(config, logger, kafkajs.logLevel.WARN),
      socketFactory: openSocket,
    })
    const connection = new KafkaConnection(kafka, sockets)
    return connection
  }

  private constructor(kafka: Kafka, sockets: Set<Socket>) {
    this.kafka = kafka
    this.sockets = sockets
    this.admin = kafka.admin()
    this.producer = kafka.producer({
      idempotent: true,
      // More in flight, and a failed request is overtaken by the next one.
      maxInFlightRequests: 1,
      createPartitioner: () => () => 0,
    })
  }

  consumer(groupId: string): Consumer {
    return this.kafka.consumer({
      groupId,
      maxWaitTimeInMs: 1000,
      retry: { restartOnFailure: () => Promise.resolve(true) },
    })
  }

  /** Leaves at once, whatever is outstanding fails. Idempotent. */
  drop(): void {
    this.isDropped = true
    for (const socket of this.sockets) socket.destroy(new Error('connection dropped'))
  }

  /** Lets outstanding requests end, within a second. */
  async close(): Promise<void> {
    const timeout = new Promise<void>((resolve) => setTimeout(resolve, DISCONNECT_MS).unref())
    await Promise.race([Promise.allSettled([this.producer.disconnect(), this.admin.disconnect()]), timeout])
    this.drop()
  }

  private openSocket({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
    // kafkajs still retries for a while after it has been dropped.
    if (this.isDropped) throw new Error('connection dropped')
    // Node's types promise `ssl`, kafkajs passes what it was configured with.
    const tls: typeof ssl | null | undefined = ssl
    const name = isIP(host) === 0 ? { servername: host } : {}
    const socket = tls ? connectTls({ host, port, ...name, ...tls }, onConnect) : connectTcp({ host, port }, onConnect)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 60_000)
    this.sockets.add(socket)
    socket.once('close', () => this.sockets.delete(socket))
    return socket
  }
}

function clientConfig(config: KafkaConfig, logger: Logger, logLevel: number): ClientConfig {
  const { tls, sasl } = config
  const deadlineMs = config.deadlineMs ?? DEFAULT_DEADLINE_MS
  return {
    clientId: config.clientId,
    brokers: [...config.brokers],
    connectionTimeout: deadlineMs,
    authenticationTimeout: deadlineMs,
    // kafkajs measures its timeouts by the wall clock, which may step: the deadline around every call is ours.
    enforceRequestTimeout: false,
    // Enough to try every broker; whether to try again is the pipeline's to decide.
    retry: { retries: Math.max(1, config.brokers.length), initialRetryTime: 50, maxRetryTime: 500 },
    logLevel,
    // What kafkajs calls an error is returned to us as well, and reported there.
    logCreator: () => (entry) => logger.debug({ ...entry.log }, `kafkajs: ${entry.log.message}`),
    ...(sasl === undefined ? {} : { sasl: saslOptions(sasl) }),
    ...(tls === undefined
      ? {}
      : {
          ssl: {
            ...(tls.ca === undefined ? {} : { ca: [tls.ca] }),
            ...(tls.cert === undefined ? {} : { cert: tls.cert }),
            ...(tls.key === undefined ? {} : { key: tls.key }),
            ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
          },
        }),
  }
}

function saslOptions(sasl: KafkaSasl): SASLOptions {
  if (sasl.mechanism !== 'oauthbearer') return sasl
  return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await sasl.token() }) }
}
