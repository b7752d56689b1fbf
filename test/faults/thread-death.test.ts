import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import type { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { Gateway } from '../../daemon/gateway/gateway.ts'
import { upstreamSchemas } from '../../daemon/protocols/registry.ts'
import { loadSettings } from '../../daemon/settings/loading/load-settings.ts'
import { createLogger } from '../../daemon/telemetry/logging/logger.ts'
import { temporaryFolder } from '../servers/temporary-folder.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { DaemonProcess, DEMO_DOCUMENT } from '../support/daemon-process.ts'
import { expectExactlyOnceById } from '../support/fault-verdict.ts'
import { journalArrivals, readJournal } from '../support/journal-reader.ts'
import { connectClient } from '../support/mqtt-client.ts'
import { startFleet } from '../support/publisher.ts'

const CLIENTS = 10
const EACH = 1_000
const DEATHS = 5

/** A gateway in this process, so that its threads can be reached. */
async function startGateway(folder: string) {
  const lines: string[] = []
  const overrides = {
    gateway: { id: 'edge-1' },
    asyncapi: [DEMO_DOCUMENT],
    broker: { listeners: ['mqtt://127.0.0.1:0'] },
    http: null,
    upstreams: { journal: { protocol: 'file', directory: join(folder, 'journal') } },
    store: { directory: join(folder, 'data') },
  }
  const loaded = loadSettings({
    file: undefined,
    env: {},
    cwd: folder,
    hostName: 'test',
    upstreams: upstreamSchemas,
    overrides,
  })
  if (!loaded.ok) throw loaded.errors[0] ?? new Error('the settings are not valid')
  const fatal: Error[] = []
  const logger = createLogger({ write: (line) => void lines.push(line) })
  const gateway = new Gateway({ settings: loaded.settings, logger, onFatal: (error) => void fatal.push(error) })
  await gateway.start()
  return { gateway, lines, fatal, port: gateway.addresses.mqtt[0] ?? 0 }
}

test.each(['forwarder', 'log-writer'])(
  'row 41: a %s thread that dies under load is restarted, nothing is lost or stored twice',
  async (name) => {
    const workers: Worker[] = []
    const note = (worker: Worker): void => void workers.push(worker)
    process.on('worker', note)
    const folder = temporaryFolder('threads')
    const { gateway, lines, fatal, port } = await startGateway(folder.path)
    const fleet = startFleet(CLIENTS, { port, qos: 1 })
    const named = (): Worker[] => workers.filter((worker) => worker.threadName === name || ended.has(worker))
    const ended = new Set<Worker>()
    try {
      const published = fleet.publishTo(EACH)
      for (let death = 1; death <= DEATHS; death++) {
        await fleet.reached((CLIENTS * EACH * death) / (DEATHS + 1))
        await waitUntil(
          () => `${death} threads have been started, now ${named().length}\n${lines.slice(-5).join('')}`,
          () => named().length >= death,
        )
        const worker = named().at(-1)
        if (worker === undefined) throw new Error(`no thread is called ${name}`)
        ended.add(worker)
        // A message that is none throws in the thread. Ending it from here could meet a native call, which ends the process now and then.
        const exited = new Promise((resolve) => void worker.once('exit', resolve))
        worker.postMessage(null)
        await exited
      }
      await published
      await waitUntil(
        () =>
          `all have arrived, now ${journalArrivals(join(folder.path, 'journal')).length}\n${lines.slice(-5).join('')}`,
        () => journalArrivals(join(folder.path, 'journal')).length >= CLIENTS * EACH,
      )
      expect(fatal).toEqual([])
      expect(ended.size).toBe(DEATHS)
      expect(fleet.publishers.map((one) => one.breaks)).toEqual(fleet.publishers.map(() => 0))
      expectExactlyOnceById(fleet.publishers, journalArrivals(join(folder.path, 'journal')))
    } finally {
      process.off('worker', note)
      fleet.close()
      await gateway.stop(10_000)
      folder.remove()
    }
  },
)

test('row 41: a parser child that is killed is started again, and devices do not notice', async () => {
  const daemon = await DaemonProcess.create()
  const document = daemon.writeFile('spec.yaml', readFileSync(DEMO_DOCUMENT, 'utf8'))
  const settings = { asyncapi: [document] }
  daemon.configure(settings)
  await daemon.start()
  const client = await connectClient(daemon.mqttPort)
  try {
    daemon.writeFile('spec.yaml', readFileSync(DEMO_DOCUMENT, 'utf8').replace('version: 1.0.0', 'version: 1.1.0'))
    const from = daemon.log().length
    daemon.signal('SIGHUP')
    let child: number | undefined
    await waitUntil(
      () => 'the checking process runs',
      () => {
        child = childrenOf(daemon.pid).find((pid) => commandOf(pid).includes('check-document-child'))
        return child !== undefined
      },
    )
    process.kill(child ?? 0, 'SIGKILL')
    await client.publishAsync('device/1/data', '{"temperature":1,"humidity":2}', { qos: 1 })
    await daemon.logged('reloaded', from)
    expect(daemon.log().slice(from)).not.toContain('not reloaded')
    await client.publishAsync('device/2/data', '{"temperature":1,"humidity":2}', { qos: 1 })
    await daemon.drained('journal')
    expect(readJournal(daemon.path('journal')).at(-1)?.document).toBe('Device API@1.1.0')
  } finally {
    await client.endAsync()
    await daemon.remove()
  }
})

function childrenOf(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`)
  const texts = tasks.map((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8'))
  return texts.join(' ').split(' ').filter(Boolean).map(Number)
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch (error) {
    // It has ended meanwhile.
    if (error instanceof Error) return ''
    throw error
  }
}
