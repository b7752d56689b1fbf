import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { type Certificates, makeCertificates } from './certificates.ts'
import { type Child, startChild } from './child.ts'
import { type NodeSettings, serverProperties } from './kafka-settings.ts'
import { freePorts } from './ports.ts'
import { requireTool } from './require-tool.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { canConnect, waitUntil } from './wait-until.ts'

export interface KafkaOptions {
  brokers?: 1 | 3
  /** SASL (PLAIN, SCRAM; users alice/alice-pw, PLAIN also bob/bob-pw), TLS, mutual TLS and ACLs; one broker only. */
  security?: boolean
  /** A port for each broker, where its clients are sent instead of to itself: of a proxy before it. */
  advertisedPorts?: readonly number[]
  /** More lines of server.properties. */
  settings?: Readonly<Record<string, string>>
}

export interface KafkaServer {
  /** host:port of the plain listeners, in order of node id; without ACLs. */
  readonly brokers: string[]
  readonly adminBrokers: string[]
  /** With `security`: host:port of the other listeners, and what their clients need. */
  readonly secured?: { saslPlaintext: string; saslSsl: string; mutualTls: string; certificates: Certificates }
  /** SIGKILL. Nodes count from 0. */
  kill(index: number): Promise<void>
  /** Starts a node again on its data; resolves when it answers. */
  start(index: number): Promise<void>
  /** SIGTERM. */
  stop(index: number): Promise<void>
  /** SIGSTOP: the sockets stay open, nobody answers. */
  pause(index: number): void
  resume(index: number): void
  stopAll(): Promise<void>
}

const ROOT = join(import.meta.dirname, '../..')
const CACHE = join(ROOT, '.cache/kafka')
const CLUSTER_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
const JVM = [
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  `-XX:SharedArchiveFile=${CACHE}/kafka.jsa`,
  '-Xlog:disable',
  '-Xlog:all=off',
]

/** Apache Kafka in processes of its own; `KAFKA_BROKERS` names a running one for the plain single broker. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const count = options.brokers ?? 1
  // eslint-disable-next-line node/no-process-env -- the tests' own setting
  const external = process.env['KAFKA_BROKERS']
  const isSpecial = options.settings !== undefined || options.advertisedPorts !== undefined
  if (external !== undefined && count === 1 && options.security !== true && !isSpecial) return externalKafka(external)
  if (!existsSync(`${CACHE}/kafka.jsa`))
    throw new Error('Apache Kafka is not installed: run scripts/install-test-servers.sh as root')

  const folder = temporaryFolder('kafka')
  const certificates = options.security === true ? makeCertificates(folder.path) : undefined
  const names = certificates === undefined ? ['PLAINTEXT'] : ['PLAINTEXT', 'SASL_PLAINTEXT', 'SASL_SSL', 'SSL']
  const ports = await freePorts(count * (names.length + 1))
  const controllerPorts = ports.slice(0, count)
  const nodes = controllerPorts.map((_, index) => {
    const own = ports.slice(count + index * names.length)
    const listeners = Object.fromEntries(names.map((name, at) => [name, own[at] ?? 0]))
    const path = join(folder.path, `node-${index + 1}`)
    mkdirSync(path)
    const advertisedPort = options.advertisedPorts?.[index]
    const extra = options.settings ?? {}
    return new Node({
      folder: path,
      nodeId: index + 1,
      controllerPorts,
      listeners,
      advertisedPort,
      certificates,
      extra,
    })
  })
  const node = (index: number): Node => {
    const found = nodes[index]
    if (found === undefined) throw new Error(`there is no node ${index}`)
    return found
  }
  const stopAll = async () => {
    await Promise.all(nodes.map((each) => each.end('SIGKILL')))
    folder.remove()
  }
  for (const each of nodes) each.launch()
  try {
    await Promise.all(nodes.map((each) => each.answers()))
  } catch (error) {
    await stopAll()
    throw error
  }
  const at = (name: string) => `127.0.0.1:${node(0).settings.listeners[name]}`
  const brokers = nodes.map((each) => `127.0.0.1:${each.settings.listeners['PLAINTEXT']}`)
  return {
    brokers,
    adminBrokers: brokers,
    ...(certificates === undefined
      ? {}
      : {
          secured: { saslPlaintext: at('SASL_PLAINTEXT'), saslSsl: at('SASL_SSL'), mutualTls: at('SSL'), certificates },
        }),
    kill: (index) => node(index).end('SIGKILL'),
    stop: (index) => node(index).end('SIGTERM'),
    start: async (index) => {
      node(index).launch()
      await node(index).answers()
    },
    pause: (index) => node(index).signal('SIGSTOP'),
    resume: (index) => node(index).signal('SIGCONT'),
    stopAll,
  }
}

class Node {
  readonly settings: NodeSettings
  private child: Child | undefined

  constructor(settings: NodeSettings) {
    this.settings = settings
    writeFileSync(join(settings.folder, 'server.properties'), serverProperties(settings))
    cpSync(formattedFolder(settings), join(settings.folder, 'data'), { recursive: true })
  }

  launch(): void {
    const { folder } = this.settings
    const log4j = `-Dlog4j2.configurationFile=${ROOT}/scripts/kafka/log4j2.properties`
    const args = ['-Xmx256m', ...JVM, log4j, '-cp', `${CACHE}/libs/*`, 'kafka.Kafka', join(folder, 'server.properties')]
    this.child = startChild(requireTool('java'), args, { logFile: join(folder, 'log') })
  }

  /** The listeners open only when the broker is registered and unfenced. */
  async answers(): Promise<void> {
    const child = this.child
    const ports = Object.values(this.settings.listeners)
    await waitUntil(
      () => `Kafka answers\n${child?.log() ?? ''}`,
      async () => {
        if (child?.isRunning() !== true) throw new Error(`Kafka ended\n${child?.log() ?? ''}`)
        return (await Promise.all(ports.map(canConnect))).every(Boolean)
      },
      60_000,
    )
  }

  signal(name: NodeJS.Signals): void {
    this.child?.signal(name)
  }

  async end(name: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.child?.signal(name)
    await this.child?.exited
  }
}

/** Formatting takes a JVM start: done once for a node id, then copied. */
function formattedFolder(settings: NodeSettings): string {
  const { nodeId, controllerPorts, certificates } = settings
  const name = `${nodeId}-of-${controllerPorts.length}${certificates === undefined ? '' : '-secured'}`
  const formatted = join(CACHE, 'formatted', name)
  if (existsSync(formatted)) return formatted
  const users = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=alice,password=alice-pw]`,
  ])
  const config = join(settings.folder, 'server.properties')
  const args = [
    'kafka.tools.StorageTool',
    'format',
    '-t',
    CLUSTER_ID,
    '-c',
    config,
    ...(certificates === undefined ? [] : users),
  ]
  execFileSync(requireTool('java'), [...JVM, '-cp', `${CACHE}/libs/*`, ...args], { stdio: 'pipe' })
  const draft = `${formatted}.${process.pid}`
  cpSync(join(settings.folder, 'data'), draft, { recursive: true })
  // Another run may have been faster; one result is as good as the other.
  if (existsSync(formatted)) rmSync(draft, { recursive: true })
  else renameSync(draft, formatted)
  return formatted
}

function externalKafka(list: string): KafkaServer {
  const brokers = list.split(',')
  const refuse = () => {
    throw new Error('the Kafka of KAFKA_BROKERS is not ours to stop')
  }
  return {
    brokers,
    adminBrokers: brokers,
    kill: refuse,
    start: refuse,
    stop: refuse,
    pause: refuse,
    resume: refuse,
    stopAll: () => Promise.resolve(),
  }
}
