import { type Socket, connect as connectTcp, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Admin, Consumer, ISocketFactoryArgs, Kafka, Producer } from 'kafkajs'
import type { Logger } from '../../core/logger.ts'
import { settledWithin, type Timers } from '../../core/timers.ts'
import { clientOptions, consumerOptions, PRODUCER_OPTIONS } from './client-options.ts'
import type { KafkaConfig } from './kafka-config.ts'
import { loadKafkajs } from './load-kafkajs.ts'
import { restIdleQueues } from './request-queues.ts'

const DISCONNECT_MS = 1000

/**
 * One kafkajs client whose sockets are ours: kafkajs waits for outstanding answers before it closes anything, so a client
 * that does not answer can be left only by destroying them.
 */
export class KafkaConnection {
  readonly producer: Producer
  readonly admin: Admin
  /** Whether kafkajs takes the lists of `PreparedTopic`. */
  readonly takesPreparedLists: boolean
  isDropped = false
  private readonly kafka: Kafka
  private readonly timers: Timers
  private readonly sockets = new Set<Socket>()

  static async create(config: KafkaConfig, logger: Logger, timers: Timers): Promise<KafkaConnection> {
    const { kafkajs, isKnownVersion } = await loadKafkajs(logger)
    const kafka = new kafkajs.Kafka({
      ...clientOptions(config, logger, kafkajs.logLevel.WARN),
      // Called for the first time by `connect`, when the connection is there.
      socketFactory: (args: ISocketFactoryArgs) => connection.openSocket(args),
    })
    if (isKnownVersion) restIdleQueues(kafka)
    const connection = new KafkaConnection(kafka, isKnownVersion, timers)
    return connection
  }

  private constructor(kafka: Kafka, isKnownVersion: boolean, timers: Timers) {
    this.kafka = kafka
    this.takesPreparedLists = isKnownVersion
    this.timers = timers
    this.admin = kafka.admin()
    this.producer = kafka.producer(PRODUCER_OPTIONS)
  }

  consumer(groupId: string): Consumer {
    return this.kafka.consumer(consumerOptions(groupId))
  }

  /** Destroys the sockets at once; outstanding requests fail. Idempotent. */
  drop(): void {
    this.isDropped = true
    for (const socket of this.sockets) socket.destroy(new Error('connection dropped'))
  }

  /** Gives outstanding requests a second to end. */
  async close(): Promise<void> {
    const ended = Promise.allSettled([this.producer.disconnect(), this.admin.disconnect()])
    await settledWithin(this.timers, ended, DISCONNECT_MS)
    this.drop()
  }

  private openSocket({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
    // kafkajs retries for a while after it has been dropped.
    if (this.isDropped) throw new Error('connection dropped')
    // The declared type promises `ssl`; kafkajs passes what it was configured with, which may be nothing.
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
