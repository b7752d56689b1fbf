import { DocumentErrors } from '../../asyncapi/documents/source/document-errors.ts'
import { EdgeError, formatPlace, messageOf } from '../../core/errors.ts'
import { Gateway } from '../../gateway/gateway.ts'
import { levelOf } from '../../gateway/room-settings.ts'
import { runCommand } from '../../platform/run-command.ts'
import { SdNotify } from '../../platform/sd-notify.ts'
import { Watchdog } from '../../platform/watchdog.ts'
import type { Settings } from '../../settings/settings.ts'
import { createLogger, type ProcessLogger } from '../../telemetry/logging/logger.ts'
import type { CliContext } from '../cli-context.ts'
import { EXIT, exitCodeOf } from '../exit-codes.ts'
import { loadConfiguration } from '../load-configuration.ts'
import { printErrors } from '../print-errors.ts'

/** Signals this close together are one: Ctrl-C reaches npm and the daemon, and npm passes it on to the daemon again. */
const SIGNAL_ECHO_MS = 100
/** After a fault of the disk nothing can be finished: the service manager starts the daemon again. */
const FATAL_STOP_MS = 2_000

/** Runs the gateway in the foreground. Resolves to the exit code when it has ended. */
export async function run(options: { config?: string }, context: CliContext): Promise<number> {
  const load = () => loadConfiguration(options.config, context)
  const loaded = load()
  if (!loaded.ok) return printErrors(context, loaded.errors)
  const { settings, secrets } = loaded
  const logger = createLogger({
    level: levelOf(settings),
    journalStream: context.env['JOURNAL_STREAM'],
    secrets,
  })
  const ended = Promise.withResolvers<number>()
  const notify = new SdNotify({ socket: context.env['NOTIFY_SOCKET'], run: runCommand, logger })
  const censor = new Censor(logger, secrets)
  let stopping = false
  const stop = async (code: number): Promise<void> => {
    if (stopping) return context.exit(code === EXIT.ok ? EXIT.failure : code)
    stopping = true
    // The last resort: a drain that hangs must not keep the process from ending.
    setTimeout(() => ended.resolve(EXIT.failure), settings.shutdownTimeoutMs).unref()
    await notify.stopping()
    const timeoutMs = settings.shutdownTimeoutMs - 1_000
    await gateway.stop(code === EXIT.ok ? timeoutMs : Math.min(FATAL_STOP_MS, timeoutMs))
    ended.resolve(code)
  }
  const fatal = (error: unknown): void => {
    logger.error(
      { err: error, code: error instanceof EdgeError ? error.code : 'internal' },
      `cannot go on: ${messageOf(error)}`,
    )
    void stop(EXIT.failure).catch(() => ended.resolve(EXIT.failure))
  }
  const gateway = new Gateway({ settings, logger, onFatal: fatal })
  context.onUncaught(fatal)
  let firstSignalMs: number | undefined
  const onStopSignal = (): void => {
    const now = performance.now()
    firstSignalMs ??= now
    if (stopping && now - firstSignalMs < SIGNAL_ECHO_MS) return
    void stop(EXIT.ok).catch(fatal)
  }
  // Before the start, which takes a while: a signal without a handler ends the process.
  context.onSignal('SIGTERM', onStopSignal)
  context.onSignal('SIGINT', onStopSignal)
  context.onSignal(
    'SIGHUP',
    onceMore(() => reload(gateway, load, censor, notify)),
  )
  try {
    await gateway.start()
  } catch (error) {
    if (stopping) return ended.promise
    logger.flush()
    return startFailure(error, context)
  }
  announce(gateway, settings, context, logger)
  await notify.ready('running')
  const watchdog = new Watchdog({
    timeoutUsec: context.env['WATCHDOG_USEC'],
    watchedPid: context.env['WATCHDOG_PID'],
    ownPid: process.pid,
    healthy: () => gateway.healthy(),
    alive: () => notify.alive(),
    logger,
  })
  watchdog.start()
  const code = await ended.promise
  watchdog.stop()
  logger.flush()
  return code
}

function startFailure(error: unknown, context: CliContext): number {
  if (error instanceof DocumentErrors) return printErrors(context, error.errors)
  if (error instanceof EdgeError) {
    printErrors(context, [error])
    return exitCodeOf(error)
  }
  context.stderr.write(`${messageOf(error)}\n`)
  return EXIT.failure
}

/** Runs `work` for each call, one at a time. Calls that come meanwhile are served by one more run after it. */
function onceMore(work: () => Promise<void>): () => void {
  let running = false
  let again = false
  return () => {
    again = true
    if (running) return
    running = true
    void (async () => {
      while (again) {
        again = false
        await work()
      }
      running = false
    })()
  }
}

/** Secrets that the log must not show: those in use, and during a reload the new ones, too. */
class Censor {
  readonly logger: ProcessLogger
  private secrets: readonly string[]

  constructor(logger: ProcessLogger, secrets: readonly string[]) {
    this.logger = logger
    this.secrets = secrets
  }

  add(secrets: readonly string[]): void {
    this.replace([...new Set([...this.secrets, ...secrets])])
  }

  replace(secrets: readonly string[]): void {
    this.secrets = secrets
    this.logger.setSecrets(secrets)
  }
}

/** Reloads configuration and documents. With an error nothing changes, and the log says why. */
async function reload(
  gateway: Gateway,
  load: () => ReturnType<typeof loadConfiguration>,
  censor: Censor,
  notify: SdNotify,
): Promise<void> {
  const { logger } = censor
  await notify.reloading()
  const loaded = load()
  if (loaded.ok) {
    try {
      censor.add(loaded.secrets)
      const { applied } = await gateway.reload(loaded.settings)
      censor.replace(loaded.secrets)
      logger.info({ applied }, 'configuration and documents reloaded')
    } catch (error) {
      logNotReloaded(error instanceof DocumentErrors ? error.errors : [error], logger)
    }
  } else logNotReloaded(loaded.errors, logger)
  await notify.ready('running')
}

function logNotReloaded(errors: readonly unknown[], logger: ProcessLogger): void {
  for (const one of errors) {
    const known = one instanceof EdgeError ? { code: one.code, place: one.place, hint: one.hint } : { err: one }
    const why = one instanceof EdgeError ? formatPlace(one) : messageOf(one)
    logger.error(known, `not reloaded, nothing has changed: ${why}`)
  }
}

function announce(gateway: Gateway, settings: Settings, context: CliContext, logger: ProcessLogger): void {
  const { mqtt, http, freshKey } = gateway.addresses
  logger.info({ gateway: settings.gateway.id, mqtt, http, pid: process.pid }, 'running')
  if (http !== undefined) context.stderr.write(`Dashboard: ${http}/\n`)
  // Only on a terminal: anything else, such as a journal, would store the key.
  if (freshKey !== undefined && context.stderr.isTTY === true)
    context.stderr.write(`Admin key, shown this once: ${freshKey}\n`)
  const channel = gateway.exampleTopic()
  if (mqtt[0] !== undefined && channel !== undefined) {
    context.stderr.write(
      `Try: mosquitto_pub -h 127.0.0.1 -p ${mqtt[0]} -t ${channel} -m '{"temperature":21.5,"humidity":40}'\n`,
    )
  }
}
