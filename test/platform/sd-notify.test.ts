import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../daemon/core/logger.ts'
import { runCommand, type CommandResult, type RunCommand } from '../../daemon/platform/run-command.ts'
import { SdNotify } from '../../daemon/platform/sd-notify.ts'

const DONE: CommandResult = { exitCode: 0, stdout: '', missing: false }

function recorder(answer: () => Promise<CommandResult> = () => Promise.resolve(DONE)) {
  const calls: string[][] = []
  const run: RunCommand = (file, args) => {
    calls.push([file, ...args])
    return answer()
  }
  return { calls, run }
}

describe('sd_notify', () => {
  test('is silent without NOTIFY_SOCKET', async () => {
    const { calls, run } = recorder()
    const notify = new SdNotify({ socket: undefined, run, logger: silentLogger })
    await notify.ready('listening')
    await notify.stopping()
    expect(calls).toEqual([])
  })

  test('tells states one after the other, in the order in which they were told', async () => {
    let running = 0
    let most = 0
    const { calls, run } = recorder(async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setTimeout(resolve, 5))
      running -= 1
      return DONE
    })
    const notify = new SdNotify({ socket: '/run/notify', run, logger: silentLogger })
    await Promise.all([notify.ready('2 listeners'), notify.reloading(), notify.ready('ok'), notify.stopping()])
    expect(most).toBe(1)
    expect(calls).toEqual([
      ['systemd-notify', 'READY=1', 'STATUS=2 listeners'],
      ['systemd-notify', 'RELOADING=1', 'STATUS=reloading'],
      ['systemd-notify', 'READY=1', 'STATUS=ok'],
      ['systemd-notify', 'STOPPING=1', 'STATUS=stopping'],
    ])
  })

  test('a status cannot smuggle in another assignment', async () => {
    const { calls, run } = recorder()
    await new SdNotify({ socket: '/run/notify', run, logger: silentLogger }).ready('down\nSTOPPING=1')
    expect(calls).toEqual([['systemd-notify', 'READY=1', 'STATUS=down STOPPING=1']])
  })

  test('a failure is logged and does not reach the caller', async () => {
    const warnings: string[] = []
    const { run } = recorder(() => Promise.resolve({ exitCode: null, stdout: '', missing: true }))
    const logger = { ...silentLogger, warn: (_fields: object, message: string) => void warnings.push(message) }
    await new SdNotify({ socket: '/run/notify', run, logger }).ready('x')
    expect(warnings).toEqual(['systemd could not be notified'])
  })

  test('the real systemd-notify delivers to a real socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'notify-'))
    const socket = join(folder, 'socket')
    const receiver = spawn('socat', ['-u', `UNIX-RECV:${socket}`, '-'], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      let received = ''
      receiver.stdout.setEncoding('utf8').on('data', (chunk: string) => (received += chunk))
      await once(receiver, 'spawn')
      await new Promise((resolve) => setTimeout(resolve, 300))
      await new SdNotify({ socket, run: runCommand, logger: silentLogger }).ready('up')
      await expect.poll(() => received).toContain('READY=1\nSTATUS=up')
    } finally {
      receiver.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
