import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { requireTool } from '../servers/require-tool.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { call } from '../support/api.ts'
import { DaemonProcess, DEMO_DOCUMENT } from '../support/daemon-process.ts'
import { readJournal } from '../support/journal-reader.ts'
import { connectClient } from '../support/mqtt-client.ts'

const UNIT = readFileSync(new URL('../../systemd/stepflow-edge.service', import.meta.url), 'utf8')

/** The calls of a set as systemd names them: `@resources`, or one call. */
function callsOf(name: string): string[] {
  if (!name.startsWith('@')) return [name]
  const shown = execFileSync(requireTool('systemd-analyze'), ['syscall-filter', name], { encoding: 'utf8' })
  const [, ...members] = shown.split('\n').map((line) => line.trim())
  return members.filter((line) => line !== '' && !line.startsWith('#')).flatMap(callsOf)
}

/** What the unit lets through, by its lines in order: the first allows, `~` takes away, others add. */
function allowedByUnit(): Set<string> {
  const allowed = new Set<string>()
  for (const [, line = ''] of UNIT.matchAll(/^SystemCallFilter=(.*)$/gm)) {
    const takes = line.startsWith('~')
    for (const name of line.replace('~', '').split(' '))
      for (const one of callsOf(name))
        if (takes) allowed.delete(one)
        else allowed.add(one)
  }
  return allowed
}

/** Starts the daemon so that every call outside of `allowed` fails as under systemd; others run at full speed. */
function filtered(allowed: ReadonlySet<string>): string[] {
  const refused = callsOf('@known').filter((name) => !allowed.has(name))
  // The question mark: systemd knows calls that this machine, or strace, does not have.
  const calls = refused.map((name) => `?${name}`).join(',')
  const inject = ['-e', `trace=${calls}`, '-e', `inject=${calls}:error=EPERM`]
  return [requireTool('strace'), '-D', '-f', '--seccomp-bpf', '-o', '/dev/null', ...inject]
}

/** A document is checked, a message is stored and forwarded, and another document is registered. */
async function expectWorking(daemon: DaemonProcess): Promise<void> {
  await daemon.start()
  const client = await connectClient(daemon.mqttPort)
  await client.publishAsync('device/42/data', '{"temperature":21.5,"humidity":40}', { qos: 1 })
  await client.endAsync()
  await waitUntil(
    () => `the message is in the journal\n${daemon.log().slice(-4_000)}`,
    () => readJournal(daemon.path('journal')).length === 1,
  )
  const content = readFileSync(DEMO_DOCUMENT, 'utf8')
  const body = { name: 'another', version: '2.0.0', content: content.replaceAll('device/', 'other/') }
  const answer = await call(daemon, 'POST', '/asyncapis/register', body)
  expect([answer.status, answer.body]).toMatchObject([201, { name: 'another' }])
  expect(daemon.logLines().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
}

test('the unit’s filter of system calls lets the gateway check documents, store and forward', async () => {
  const daemon = await DaemonProcess.create({ wrapper: filtered(allowedByUnit()) })
  try {
    await expectWorking(daemon)
    expect(daemon.log()).not.toContain('priority')
  } finally {
    await daemon.remove()
  }
})

test('where priorities may not be changed, as in a container, it works all the same', async () => {
  const allowed = allowedByUnit()
  for (const name of callsOf('@resources')) allowed.delete(name)
  const daemon = await DaemonProcess.create({ wrapper: filtered(allowed) })
  try {
    await expectWorking(daemon)
    expect(daemon.log()).toContain('priority')
  } finally {
    await daemon.remove()
  }
})
