import { afterEach, expect, test } from 'vitest'
import { waitUntil } from '../servers/wait-until.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { readJournal } from '../support/journal-reader.ts'
import { connectClient } from '../support/mqtt-client.ts'

const open: DaemonProcess[] = []

afterEach(async () => {
  for (const daemon of open.splice(0)) await daemon.remove()
})

const journal = (directory: string, extra: object = {}): object => ({ protocol: 'file', directory, ...extra })

async function publish(daemon: DaemonProcess, from: number, to: number): Promise<void> {
  const client = await connectClient(daemon.mqttPort)
  for (let n = from; n <= to; n++)
    await client.publishAsync('device/1/data', `{"temperature":${n},"humidity":40}`, { qos: 1 })
  await client.endAsync()
}

function temperatures(daemon: DaemonProcess, directory: string): number[] {
  return readJournal(daemon.path(directory)).map((line) => (line.payload as { temperature: number }).temperature)
}

async function expectJournal(daemon: DaemonProcess, directory: string, expected: number[]): Promise<void> {
  await waitUntil(
    () => `${directory} holds ${expected.join()}: ${temperatures(daemon, directory).join()}`,
    () => temperatures(daemon, directory).length >= expected.length,
  )
  expect(temperatures(daemon, directory)).toEqual(expected)
}

test('a new upstream from the oldest gets what the log still has, in order and once; one from now does not', async () => {
  const before = { journal: journal('./journal') }
  const daemon = await DaemonProcess.create({ settings: { upstreams: before } })
  open.push(daemon)
  await daemon.start()
  await publish(daemon, 1, 5)
  await expectJournal(daemon, 'journal', [1, 2, 3, 4, 5])
  await daemon.drained('journal')

  const upstreams = { ...before, all: journal('./all', { from: 'oldest' }), fresh: journal('./fresh') }
  daemon.configure({ upstreams })
  const position = daemon.log().length
  daemon.signal('SIGHUP')
  await daemon.logged('documents reloaded', position)
  await publish(daemon, 6, 7)
  await expectJournal(daemon, 'all', [1, 2, 3, 4, 5, 6, 7])
  await expectJournal(daemon, 'fresh', [6, 7])
  await expectJournal(daemon, 'journal', [1, 2, 3, 4, 5, 6, 7])
  const ids = (directory: string): string[] => readJournal(daemon.path(directory)).map((line) => line.id)
  expect(ids('all')).toEqual(ids('journal'))
  for (const name of ['all', 'fresh', 'journal']) await daemon.drained(name)

  await daemon.stop()
  await daemon.start()
  await publish(daemon, 8, 8)
  await expectJournal(daemon, 'all', [1, 2, 3, 4, 5, 6, 7, 8])
  expect((await daemon.upstream('all'))?.queued).toBe(0)
})

test('it does so at a start too, and only for what its routes name', async () => {
  const daemon = await DaemonProcess.create()
  open.push(daemon)
  await daemon.start()
  await publish(daemon, 1, 3)
  await daemon.drained('journal')
  await daemon.stop()
  daemon.configure({
    upstreams: {
      journal: journal('./journal'),
      named: journal('./named', { from: 'oldest' }),
      other: journal('./other', { from: 'oldest' }),
    },
    routes: [
      { from: 'device/{deviceId}/data', to: 'journal' },
      { from: 'device/{deviceId}/data', to: 'named' },
      { from: 'elsewhere/#', to: 'other' },
    ],
  })
  await daemon.start()
  await expectJournal(daemon, 'named', [1, 2, 3])
  await publish(daemon, 4, 4)
  await expectJournal(daemon, 'named', [1, 2, 3, 4])
  expect(temperatures(daemon, 'other')).toEqual([])
})
