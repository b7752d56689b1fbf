import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { freePorts } from '../servers/ports.ts'
import { temporaryFolder, type TemporaryFolder } from '../servers/temporary-folder.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { LAST_SEQ_SQL, readStore } from './store-reader.ts'

const ROOT = join(import.meta.dirname, '../..')
export const DEMO_DOCUMENT = join(ROOT, 'config/demo-asyncapi.yaml')
/** As the launcher has it: a start then need not strip types again. */
const COMPILE_CACHE = join(ROOT, 'node_modules/.cache/compile')
const START_LIMIT_MS = 30_000

export type SettingsTree = Readonly<Record<string, unknown>>

export interface DaemonOptions {
  /** Take the place of the sections of the same name. */
  settings?: SettingsTree
  env?: Readonly<Record<string, string>>
  nodeArgs?: readonly string[]
  /** What the daemon is started by: it must `exec` what follows. */
  wrapper?: readonly string[]
}

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface LogLine {
  level: string
  msg: string
  code?: string
  [field: string]: unknown
}

export interface UpstreamStatus {
  name: string
  state: string
  queued: number
  delivered: number
  deadLettered: number
  expired: number
  dropped: number
}

/** The real daemon on a folder and ports of its own: it can be killed and started again on the same store. */
export class DaemonProcess {
  readonly folder: string
  readonly mqttPort: number
  readonly httpPort: number
  readonly configFile: string
  env: Readonly<Record<string, string>>
  nodeArgs: readonly string[]
  private readonly temporary: TemporaryFolder
  private readonly options: DaemonOptions
  private child: ChildProcess | undefined
  private ended: Promise<Ended> = Promise.resolve({ code: 0, signal: null })
  private starts = 0

  static async create(options: DaemonOptions = {}): Promise<DaemonProcess> {
    const [mqttPort = 0, httpPort = 0] = await freePorts(2)
    return new DaemonProcess(options, mqttPort, httpPort)
  }

  private constructor(options: DaemonOptions, mqttPort: number, httpPort: number) {
    this.options = options
    this.mqttPort = mqttPort
    this.httpPort = httpPort
    this.temporary = temporaryFolder('daemon')
    this.folder = this.temporary.path
    this.configFile = join(this.folder, 'edge.yaml')
    this.env = options.env ?? {}
    this.nodeArgs = options.nodeArgs ?? []
    // Whether this machine keeps its clock synchronised is not what the tests are about.
    chmodSync(this.writeFile('bin/timedatectl', '#!/bin/sh\necho yes\n'), 0o755)
    this.configure(options.settings ?? {})
  }

  /** Writes the configuration; a running daemon reads it at HUP. */
  configure(settings: SettingsTree): void {
    const all = {
      gateway: { id: 'edge-1' },
      asyncapi: [DEMO_DOCUMENT],
      broker: { listeners: [`mqtt://127.0.0.1:${this.mqttPort}`] },
      http: { url: `http://127.0.0.1:${this.httpPort}` },
      // Tests that block it need not wait half a minute for the next attempt.
      upstreams: { journal: { protocol: 'file', directory: './journal', retry: { min: '100ms', max: '500ms' } } },
      store: { directory: './data', maxBytes: '512MiB' },
      ...settings,
    }
    writeFileSync(this.configFile, JSON.stringify(all, undefined, 2))
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts)
  }

  writeFile(name: string, text: string): string {
    mkdirSync(dirname(this.path(name)), { recursive: true })
    writeFileSync(this.path(name), text)
    return this.path(name)
  }

  get pid(): number {
    return this.child?.pid ?? 0
  }

  /** Starts the process; resolves when devices may connect. */
  async start(): Promise<void> {
    const from = this.log().length
    this.launch()
    const child = this.child
    await waitUntil(
      () => `the daemon runs\n${this.log().slice(-4_000)}`,
      () => {
        if (hasEnded(child)) throw new Error(`the daemon ended at once\n${this.log().slice(from)}`)
        return this.log().slice(from).includes('"msg":"running"')
      },
      START_LIMIT_MS,
    )
  }

  /** Starts the process and waits for nothing. */
  launch(): void {
    const log = openSync(this.logFile, 'a')
    const node = [join(ROOT, 'node_modules/.bin/node'), '--max-semi-space-size=4', ...this.nodeArgs]
    const line = [...(this.options.wrapper ?? []), ...node, join(ROOT, 'daemon/main.ts'), 'run', '-c', this.configFile]
    // eslint-disable-next-line node/no-process-env -- tools are found by the path that the tests have
    const { PATH = '', HOME = '' } = process.env
    const child = spawn(line[0] ?? '', line.slice(1), {
      cwd: this.folder,
      env: { PATH: `${this.path('bin')}:${PATH}`, HOME, NODE_COMPILE_CACHE: COMPILE_CACHE, ...this.env },
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    this.child = child
    this.starts++
    // It must not outlive the tests, even if those are killed: then the watchdog's standard input closes.
    const watchdog = spawn('sh', ['-c', `read -r _; kill -9 ${child.pid}`], { stdio: ['pipe', 'ignore', 'ignore'] })
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        watchdog.kill('SIGKILL')
        resolve({ code, signal })
      })
    })
  }

  signal(name: NodeJS.Signals): void {
    this.child?.kill(name)
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.ended
  }

  /** SIGTERM; resolves to how it ended. */
  stop(): Promise<Ended> {
    this.signal('SIGTERM')
    return this.ended
  }

  exit(): Promise<Ended> {
    return this.ended
  }

  get running(): boolean {
    return !hasEnded(this.child)
  }

  /** Ends the process and removes all that it left. */
  async remove(): Promise<void> {
    if (this.running) await this.kill()
    this.temporary.remove()
  }

  /** All output of all starts. */
  log(): string {
    return this.starts === 0 ? '' : readFileSync(this.logFile, 'utf8')
  }

  logLines(): LogLine[] {
    const lines = this.log()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
    return lines.map((line) => JSON.parse(line) as LogLine)
  }

  /** Waits for a log line after `from`, the length of the log at some time. */
  async logged(part: string, from = 0, limitMs = 30_000): Promise<void> {
    await waitUntil(
      () => `the log says ${part}\n${this.log().slice(-4_000)}`,
      () => this.log().slice(from).includes(part),
      limitMs,
    )
  }

  get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.httpPort}${path}`)
  }

  async upstream(name: string): Promise<UpstreamStatus | undefined> {
    const { upstreams } = (await (await this.get('/connections/status')).json()) as { upstreams: UpstreamStatus[] }
    return upstreams.find((one) => one.name === name)
  }

  /** The value of one series, as `name` or `name{label="value"}`, without the prefix; 0 where there is none. */
  async metric(series: string): Promise<number> {
    const text = await (await this.get('/metrics')).text()
    const line = text.split('\n').find((one) => one.startsWith(`stepflow_${series} `))
    return Number(line?.split(' ').at(-1) ?? 0)
  }

  /** Resolves when everything in the log has been settled by an upstream, durably. */
  async drained(name: string, limitMs = 60_000): Promise<void> {
    const sql = `SELECT ${LAST_SEQ_SQL} AS seq, (SELECT max(low) FROM cursors WHERE destination = '${name}') AS low FROM state`
    let last: { seq: number; low: number | null } | undefined
    await waitUntil(
      () => `${name} has everything: ${JSON.stringify(last)}\n${this.log().slice(-2_000)}`,
      () => {
        last = readStore<{ seq: number; low: number | null }>(this.folder, sql)[0]
        return last !== undefined && last.low !== null && last.low > last.seq
      },
      limitMs,
    )
  }

  private get logFile(): string {
    return this.path('daemon.log')
  }
}

function hasEnded(child: ChildProcess | undefined): boolean {
  return child === undefined || child.exitCode !== null || child.signalCode !== null
}
