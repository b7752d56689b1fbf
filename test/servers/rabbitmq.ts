import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { type Certificates, makeCertificates } from './certificates.ts'
import { type Child, startChild } from './child.ts'
import { freePorts } from './ports.ts'
import { requireTool } from './require-tool.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { canConnect, waitUntil } from './wait-until.ts'

export interface RabbitmqServer {
  /** Plain, of the user guest. */
  readonly url: string
  /** Of our own server: its other doors, and what their clients need; certificates are asked of every client of `tlsPort`. */
  readonly own?: { tlsPort: number; managementUrl: string; certificates: Certificates }
  /** Runs rabbitmqctl. Only for a server of our own. */
  ctl(...args: string[]): string
  /** SIGKILL. */
  kill(): Promise<void>
  /** Starts it again on its data; resolves when it answers. */
  start(): Promise<void>
  stopAll(): Promise<void>
}

const BIN = '/usr/lib/rabbitmq/bin'
const START_LIMIT_MS = 90_000

/** RabbitMQ in a process of its own; `RABBITMQ_URL` names a running one. */
export async function startRabbitmq(): Promise<RabbitmqServer> {
  // eslint-disable-next-line node/no-process-env -- the tests' own setting
  const external = process.env['RABBITMQ_URL']
  if (external !== undefined) return externalRabbitmq(external)
  if (!existsSync(join(BIN, 'rabbitmq-server')))
    throw new Error('RabbitMQ is not installed: run scripts/install-test-servers.sh as root')

  const folder = temporaryFolder('rabbitmq')
  const [port = 0, tlsPort = 0, managementPort = 0, distPort = 0, epmdPort = 0] = await freePorts(5)
  const certificates = makeCertificates(folder.path)
  const env = environment(folder.path, distPort, epmdPort)
  writeFileSync(join(folder.path, 'enabled_plugins'), '[rabbitmq_management,rabbitmq_auth_mechanism_ssl].\n')
  writeFileSync(join(folder.path, 'rabbitmq.conf'), configuration(folder.path, { port, tlsPort, managementPort }))
  let shell: Child | undefined

  const end = async (): Promise<void> => {
    killBeam(folder.path)
    shell?.signal('SIGKILL')
    await shell?.exited
    shell = undefined
  }
  const start = async (): Promise<void> => {
    const child = startChild(join(BIN, 'rabbitmq-server'), [], { logFile: join(folder.path, 'out.log'), env })
    shell = child
    guard(folder.path, epmdPort)
    await waitUntil(
      () => `RabbitMQ answers\n${child.log()}`,
      () => {
        if (!child.isRunning()) throw new Error(`RabbitMQ ended at once\n${child.log()}`)
        return canConnect(port)
      },
      START_LIMIT_MS,
    )
  }
  const stopAll = async (): Promise<void> => {
    await end()
    execFileSync('sh', ['-c', `ERL_EPMD_PORT=${epmdPort} ${requireTool('epmd')} -kill >/dev/null 2>&1 || true`])
    folder.remove()
  }
  try {
    await start()
  } catch (error) {
    await stopAll()
    throw error
  }
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    own: { tlsPort, managementUrl: `http://127.0.0.1:${managementPort}`, certificates },
    ctl: (...args) => execFileSync(join(BIN, 'rabbitmqctl'), args, { env, encoding: 'utf8', timeout: 30_000 }),
    kill: end,
    start,
    stopAll,
  }
}

function environment(folder: string, distPort: number, epmdPort: number): NodeJS.ProcessEnv {
  const home = join(folder, 'home')
  mkdirSync(home)
  return {
    // eslint-disable-next-line node/no-process-env -- where programs are is the environment's to say
    PATH: process.env['PATH'] ?? '',
    // It holds the cookie by which rabbitmqctl is let in.
    HOME: home,
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_NODENAME: `test-${process.pid}-${distPort}@localhost`,
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_DIST_PORT: String(distPort),
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      '-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none',
  }
}

function configuration(folder: string, ports: { port: number; tlsPort: number; managementPort: number }): string {
  const { port, tlsPort, managementPort } = ports
  return [
    `listeners.tcp.1 = 127.0.0.1:${port}`,
    `listeners.ssl.1 = 127.0.0.1:${tlsPort}`,
    `ssl_options.cacertfile = ${folder}/ca.pem`,
    `ssl_options.certfile = ${folder}/server.pem`,
    `ssl_options.keyfile = ${folder}/server.key`,
    'ssl_options.verify = verify_peer',
    'ssl_options.fail_if_no_peer_cert = true',
    'ssl_cert_login_from = common_name',
    'auth_mechanisms.1 = PLAIN',
    'auth_mechanisms.2 = AMQPLAIN',
    'auth_mechanisms.3 = EXTERNAL',
    'management.tcp.ip = 127.0.0.1',
    `management.tcp.port = ${managementPort}`,
    'loopback_users = none',
    '',
  ].join('\n')
}

/** The server is a child of the script that starts it. */
function killBeam(folder: string): void {
  const file = join(folder, 'pid')
  if (!existsSync(file)) return
  execFileSync('sh', ['-c', `kill -9 ${Number(readFileSync(file, 'utf8'))} 2>/dev/null || true`])
}

/** Neither the server nor the Erlang port mapper outlives this process, however it ends. */
function guard(folder: string, epmdPort: number): void {
  const line = `read -r _; kill -9 "$(cat ${folder}/pid)"; ERL_EPMD_PORT=${epmdPort} epmd -kill; rm -rf ${folder}`
  spawn('sh', ['-c', line], { stdio: ['pipe', 'ignore', 'ignore'] }).unref()
}

function externalRabbitmq(url: string): RabbitmqServer {
  const notOurs = (): never => {
    throw new Error('RABBITMQ_URL names a server that the tests do not manage')
  }
  return { url, ctl: notOurs, kill: notOurs, start: notOurs, stopAll: () => Promise.resolve() }
}
