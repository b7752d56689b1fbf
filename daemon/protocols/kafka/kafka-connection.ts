import { type Socket, connect as connectTcp, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Admin, Consumer, ISocketFactoryArgs, Kafka, Producer } from 'kafkajs'
import { EdgeError, systemCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { settledWithin, type Timers } from '../../core/timers.ts'
import { clientOptions, consumerOptions, PRODUCER_OPTIONS } from './client-options.ts'
import type { KafkaConfig } from './kafka-config.ts'
import { type Cluster, watchClusters } from './kafkajs-clusters.ts'
import { loadKafkajs } from './load-kafkajs.ts'
import { restIdleQueues } from './request-queues.ts'
import { type AskForTopics, topicAsker } from './topic-metadata.ts'

const DISCONNECT_MS = 1000
const ADVERTISED_HINT =
  'Set advertised.listeners of the Kafka broker to an address that this machine can reach, or make the name known here (DNS, /etc/hosts).'

/**
 * One kafkajs client whose sockets are ours: kafkajs waits for outstanding answers before it closes anything, so a client
 * that does not answer can be left only by destroying them.
 */
export class KafkaConnection {
  readonly producer: Producer
  readonly admin: Admin
  /** Whether kafkajs takes the lists of `PreparedTopic`. */
  readonly takesPreparedLists: boolean
  readonly askForTopics: AskForTopics | undefined
  isDropped = false
  private readonly kafka: Kafka
  private readonly configured: readonly string[]
  private readonly timers: Timers
  private readonly sockets = new Set<Socket>()
  /** `host:port` of a broker that has accepted a connection. */
  private answered: string | undefined
  /** `host:port` of a broker that a server has named, and whose name cannot be resolved here. */
  private unresolved: string | undefined

  static async create(config: KafkaConfig, logger: Logger, timers: Timers): Promise<KafkaConnection> {
    const { kafkajs, isKnownVersion } = await loadKafkajs(logger)
    const kafka = new kafkajs.Kafka({
      ...clientOptions(config, logger, kafkajs.logLevel.WARN),
      // Called for the first time by `connect`, when the connection is there.
      socketFactory: (args: ISocketFactoryArgs) => connection.openSocket(args),
    })
    if (isKnownVersion) restIdleQueues(kafka)
    const connection = new KafkaConnection(kafka, config.brokers, isKnownVersion, timers)
    return connection
  }

  private constructor(kafka: Kafka, configured: readonly string[], isKnownVersion: boolean, timers: Timers) {
    this.kafka = kafka
    this.configured = configured
    this.takesPreparedLists = isKnownVersion
    this.timers = timers
    this.admin = kafka.admin()
    let cluster: Cluster | undefined
    if (isKnownVersion) watchClusters(kafka, (made) => (cluster = made))
    this.producer = kafka.producer(PRODUCER_OPTIONS)
    this.askForTopics = cluster === undefined ? undefined : topicAsker(cluster)
  }

  consumer(groupId: string): Consumer {
    return this.kafka.consumer(consumerOptions(groupId))
  }

  /** Names the cause where a server was reached, but sends its clients to a name that this machine does not know. */
  explain(error: EdgeError): EdgeError {
    const { answered, unresolved } = this
    const isAboutTheWay = error.code === 'upstream-unreachable' || error.code === 'upstream-timeout'
    if (!isAboutTheWay || answered === undefined || unresolved === undefined) return error
    const message = `${answered} answered and names ${unresolved}, which cannot be resolved: advertised.listeners`
    return new EdgeError('upstream-unreachable', message, { cause: error, hint: ADVERTISED_HINT })
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
    const connected = (): void => {
      this.answered ??= `${host}:${port}`
      onConnect()
    }
    const socket = tls ? connectTls({ host, port, ...name, ...tls }, connected) : connectTcp({ host, port }, connected)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 60_000)
    this.sockets.add(socket)
    socket.once('close', () => this.sockets.delete(socket))
    socket.once('error', (error) => this.noteUnresolved(`${host}:${port}`, systemCode(error)))
    return socket
  }

  private noteUnresolved(address: string, code: string | undefined): void {
    const isName = code === 'ENOTFOUND' || code === 'EAI_AGAIN'
    if (isName && !this.configured.includes(address)) this.unresolved = address
  }
}
