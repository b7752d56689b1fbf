import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Child, startChild } from '../../test/servers/child.ts'
import { freePorts } from '../../test/servers/ports.ts'
import { waitUntil } from '../../test/servers/wait-until.ts'
import { benchFolder } from './bench-folder.ts'
import type { Documents } from './documents.ts'
import { parseMetrics } from './metrics-text.ts'

export interface DaemonOptions {
  documents: Documents
  /** As in the configuration file. */
  upstreams?: Readonly<Record<string, object>>
  /** A command that runs the daemon, as strace with its arguments; the process must keep the id it is started with. */
  under?: readonly string[]
}

export interface Daemon {
  readonly pid: number
  readonly mqttPort: number
  /** Of the API. */
  readonly httpUrl: string
  metrics(): Promise<Map<string, number>>
  /** Stops it and starts it on the same store, now with a warm cache. */
  restart(): Promise<void>
  /** Stops it and removes all that it wrote. */
  stop(): Promise<void>
}

const LAUNCHER = join(import.meta.dirname, '../stepflow-edge.sh')
/** The first start parses the documents, each in up to a second and a half. */
const START_LIMIT_MS = 420_000
const STOP_LIMIT_MS = 30_000

/** The real daemon in a process of its own, with a new store, ready for messages. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const folder = benchFolder()
  const [mqttPort = 0, httpPort = 0] = await freePorts(2)
  const configuration = writeConfiguration(folder.path, mqttPort, httpPort, options)
  // As operators start it, with the runtime flags of the launcher.
  const [command, ...args] = [...(options.under ?? []), LAUNCHER, 'run', '-c', configuration]
  const launch = () => startChild(command, args, { logFile: join(folder.path, 'log') })
  const url = `http://127.0.0.1:${httpPort}`

  let child = launch()
  const end = async () => {
    // The load that failed then only knows that its connections were closed.
    if (!child.isRunning()) process.stderr.write(`the daemon ended by itself\n${child.log()}\n`)
    child.signal('SIGTERM')
    await exitOf(child)
  }
  const stop = async () => {
    await end()
    folder.remove()
  }
  try {
    await ready(child, url)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    get pid() {
      return child.pid
    },
    mqttPort,
    httpUrl: url,
    async metrics() {
      const response = await fetch(`${url}/metrics`)
      if (!response.ok) throw new Error(`/metrics answered ${response.status}`)
      return parseMetrics(await response.text())
    },
    async restart() {
      await end()
      child = launch()
      await ready(child, url)
    },
    stop,
  }
}

function writeConfiguration(path: string, mqttPort: number, httpPort: number, options: DaemonOptions): string {
  const documents = join(path, 'documents')
  mkdirSync(documents)
  for (const [name, document] of Object.entries(options.documents)) {
    writeFileSync(join(documents, `${name}.json`), JSON.stringify(document))
  }
  const configuration = {
    gateway: { id: 'bench' },
    asyncapi: Object.keys(options.documents).map((name) => ({ file: join(documents, `${name}.json`), mode: 'strict' })),
    broker: { listeners: [`mqtt://127.0.0.1:${mqttPort}`] },
    http: { url: `http://127.0.0.1:${httpPort}` },
    upstreams: options.upstreams ?? {},
    store: { directory: join(path, 'store'), durability: 'power' },
    log: { level: 'warn' },
  }
  // JSON is YAML.
  const file = join(path, 'gateway.yaml')
  writeFileSync(file, JSON.stringify(configuration, null, 2))
  return file
}

async function ready(child: Child, url: string): Promise<void> {
  const isReady = async () => {
    if (!child.isRunning()) throw new Error(`the daemon ended\n${child.log()}`)
    try {
      return (await fetch(`${url}/readyz`)).ok
    } catch (error) {
      // Nobody listens yet.
      if (error instanceof TypeError) return false
      throw error
    }
  }
  await waitUntil(() => `the daemon is ready\n${child.log()}`, isReady, START_LIMIT_MS)
}

async function exitOf(child: Child): Promise<void> {
  const timer = setTimeout(() => {
    process.stderr.write(`the daemon did not stop within ${STOP_LIMIT_MS / 1000} s, killing it\n`)
    child.signal('SIGKILL')
  }, STOP_LIMIT_MS)
  await child.exited
  clearTimeout(timer)
}
