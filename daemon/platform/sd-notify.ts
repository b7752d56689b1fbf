import type { Logger } from '../core/logger.ts'
import type { RunCommand } from './run-command.ts'

const TIME_LIMIT_MS = 5_000

export interface SdNotifyOptions {
  /** `NOTIFY_SOCKET`; without it every call does nothing. */
  socket: string | undefined
  run: RunCommand
  logger: Logger
}

/**
 * Reports the service's state to systemd (sd_notify(3)) through `systemd-notify`, because Node has no Unix datagram sockets. Without
 * `--no-block`: its process ends before systemd has looked it up, and the message is dropped.
 */
export class SdNotify {
  private readonly options: SdNotifyOptions
  /** Messages are sent one at a time, so that they arrive in order. */
  private last: Promise<unknown> = Promise.resolve()

  constructor(options: SdNotifyOptions) {
    this.options = options
  }

  ready(status: string): Promise<void> {
    return this.send(['READY=1', statusLine(status)])
  }

  /** To be followed by `ready` when the new configuration is in force or was refused. */
  reloading(): Promise<void> {
    return this.send(['RELOADING=1', 'STATUS=reloading'])
  }

  stopping(): Promise<void> {
    return this.send(['STOPPING=1', 'STATUS=stopping'])
  }

  alive(): Promise<void> {
    return this.send(['WATCHDOG=1'])
  }

  /** Resolves when the message was sent or the time limit has passed; never rejects. */
  private send(lines: string[]): Promise<void> {
    const { socket, run, logger } = this.options
    if (socket === undefined || socket === '') return Promise.resolve()
    const sent = this.last.then(async () => {
      const env = { NOTIFY_SOCKET: socket, PATH: '/usr/bin:/bin' }
      const result = await run('systemd-notify', lines, { timeoutMs: TIME_LIMIT_MS, env })
      if (result.exitCode !== 0) logger.warn({ lines, exitCode: result.exitCode }, 'systemd could not be notified')
    })
    this.last = sent
    return sent
  }
}

/** The protocol is one assignment a line. */
function statusLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is replaced
  return `STATUS=${text.replace(/[\u0000-\u001f\u007f]+/g, ' ')}`
}
