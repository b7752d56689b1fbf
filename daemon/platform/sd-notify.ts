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
 * Tells systemd how the service is doing, through `systemd-notify`: Node has no Unix datagram sockets.
 * Not with `--no-block`, whose sender is gone before systemd has looked it up, so that the message is dropped.
 */
export class SdNotify {
  private readonly options: SdNotifyOptions
  // One at a time, so that states arrive in the order in which they were told.
  private last: Promise<unknown> = Promise.resolve()

  constructor(options: SdNotifyOptions) {
    this.options = options
  }

  ready(status: string): Promise<void> {
    return this.send(['READY=1', statusLine(status)])
  }

  /** Followed by `ready` once the new configuration holds or was refused. */
  reloading(): Promise<void> {
    return this.send(['RELOADING=1', 'STATUS=reloading'])
  }

  stopping(): Promise<void> {
    return this.send(['STOPPING=1', 'STATUS=stopping'])
  }

  alive(): Promise<void> {
    return this.send(['WATCHDOG=1'])
  }

  /** Resolves when systemd was told, or could not be told within the time limit; never rejects. */
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
