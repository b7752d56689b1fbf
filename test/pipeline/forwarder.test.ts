import { afterEach, beforeEach, expect, test } from 'vitest'
import { FakeClock } from '../../daemon/core/clock.ts'
import { silentLogger } from '../../daemon/core/logger.ts'
import { Forwarder } from '../../daemon/pipeline/forwarder.ts'
import type { Plan } from '../../daemon/pipeline/plan.ts'
import { Reporter } from '../../daemon/pipeline/reporter.ts'
import type { UpstreamSettings } from '../../daemon/settings/upstream-settings.ts'
import { openReadable } from '../../daemon/store/connection.ts'
import type { StreamRow } from '../../daemon/store/batch.ts'
import { LogReader } from '../../daemon/store/log-reader.ts'
import { RunningClock } from '../../daemon/store/running-clock.ts'
import { temporaryFolder, type TemporaryFolder } from '../servers/temporary-folder.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { batchOf, blocksOf, OpenLog, openOptions, streamOp } from '../store/store-fixture.ts'
import { readJournal } from '../support/journal-reader.ts'

const PLAN: Plan = {
  document: null,
  message: null,
  channel: null,
  contentType: null,
  lane: 'live',
  targets: [{ to: 'journal', address: null, key: null }],
}

let folder: TemporaryFolder
let log: OpenLog

beforeEach(() => {
  folder = temporaryFolder('forwarder')
  log = new OpenLog(openOptions(folder.path))
})
afterEach(() => {
  log.close()
  folder.remove()
})

/** Messages are committed in the moment after the streams were read for the first time. */
class InterruptedReader extends LogReader {
  private interrupted = false

  override streams(): StreamRow[] {
    const streams = super.streams()
    if (this.interrupted) return streams
    this.interrupted = true
    const plan = { type: 'plan', row: { id: 1, body: JSON.stringify(PLAN) } } as const
    log.writer.commit(batchOf(1, blocksOf(1, 1, ['{"n":1}', '{"n":2}']), [plan, streamOp(1, ['journal'])]), [])
    return streams
  }
}

test('a destination that begins while its first messages are committed misses none of them', async () => {
  const directory = `${folder.path}/journal`
  const journal = {
    protocol: 'file',
    directory,
    rotateBytes: 1_000_000,
    maxBytes: 10_000_000,
    required: true,
    maxBacklogBytes: null,
    holdForMs: 1_000,
    deadlineMs: 1_000,
    from: 'now',
    retry: { minMs: 10, maxMs: 100 },
  } satisfies UpstreamSettings
  const failures: unknown[] = []
  const last = { runningMs: 0, monotonicMs: 0, wallMs: 0, synced: true }
  const forwarder = new Forwarder({
    reader: new InterruptedReader(openReadable(folder.path)),
    reporter: new Reporter(),
    clock: new RunningClock(new FakeClock(), last, true, true),
    logger: silentLogger,
    gatewayId: 'gw',
    onFailure: (error) => failures.push(error),
  })
  forwarder.start({ journal }, null)
  await waitUntil(
    () => `both are in the journal; failures: ${failures.join()}`,
    () => {
      forwarder.wake()
      return readJournal(directory).length === 2
    },
  )
  expect(readJournal(directory).map((line) => line.payload)).toEqual([{ n: 1 }, { n: 2 }])
})
