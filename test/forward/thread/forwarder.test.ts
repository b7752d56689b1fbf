import { afterEach, beforeEach, expect, test } from 'vitest'
import { FakeClock } from '../../../daemon/core/clock.ts'
import { silentLogger } from '../../../daemon/core/logger.ts'
import { systemTimers } from '../../../daemon/core/timers.ts'
import { Forwarder } from '../../../daemon/forward/thread/forwarder.ts'
import { Reporter } from '../../../daemon/forward/thread/reporter.ts'
import type { FileUpstream } from '../../../daemon/protocols/file/file-settings.ts'
import { protocolOf } from '../../../daemon/protocols/registry.ts'
import { openReadable } from '../../../daemon/store/connection.ts'
import type { Op } from '../../../daemon/store/log/batch.ts'
import { LogReader } from '../../../daemon/store/log/log-reader.ts'
import { RunningClock } from '../../../daemon/store/log/running-clock.ts'
import type { StreamRow } from '../../../daemon/store/tables/streams.ts'
import type { Plan } from '../../../daemon/verdict/plan.ts'
import { temporaryFolder, type TemporaryFolder } from '../../servers/temporary-folder.ts'
import { waitUntil } from '../../servers/wait-until.ts'
import { batchOf, blocksOf, OpenLog, openOptions, streamOp } from '../../store/store-fixture.ts'
import { readJournal } from '../../support/journal-reader.ts'

const PLAN: Plan = {
  document: null,
  message: null,
  channel: null,
  contentType: null,
  lane: 'live',
  targets: [{ to: 'journal', address: null, key: null }],
}

const LATE: Plan = { ...PLAN, targets: [{ to: 'late', address: null, key: null }] }

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

/** Commits messages just after the streams were read for the first time. */
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

/** A forwarder to a journal in a folder, and what that holds. */
function startForwarder(
  reader: LogReader,
  isStarted = true,
): { forwarder: Forwarder; journal: FileUpstream; payloads: () => unknown[] } {
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
  } satisfies FileUpstream
  const last = { runningMs: 0, monotonicMs: 0, wallMs: 0, synced: true }
  const forwarder = new Forwarder({
    reader,
    reporter: new Reporter(),
    clock: new RunningClock(new FakeClock(), last, true, true),
    logger: silentLogger,
    timers: systemTimers,
    connect: (upstream) => protocolOf(upstream).connect(upstream, { gatewayId: 'gw', logger: silentLogger }),
  })
  if (isStarted) forwarder.start({ journal }, null)
  return { forwarder, journal, payloads: () => readJournal(directory).map((line) => line.payload) }
}

test('a destination that begins while its first messages are committed misses none of them', async () => {
  const { forwarder, payloads } = startForwarder(new InterruptedReader(openReadable(folder.path)))
  await waitUntil(
    () => `both are in the journal`,
    () => {
      forwarder.wake()
      return payloads().length === 2
    },
  )
  expect(payloads()).toEqual([{ n: 1 }, { n: 2 }])
})

test('a lane that had no messages, and was passed over, gets the first message of a new stream', async () => {
  const plan = (id: number, body: Plan) => ({ type: 'plan', row: { id, body: JSON.stringify(body) } }) as const
  const alarm: Op = { type: 'stream', row: { id: 2, lane: 'alarm', destinations: ['journal'] } }
  const other: Op = { type: 'stream', row: { id: 3, lane: 'alarm', destinations: ['elsewhere'] } }
  const { forwarder, payloads } = startForwarder(new LogReader(openReadable(folder.path)))
  const arrive = (count: number) =>
    waitUntil(
      () => `${count} are in the journal, not ${payloads().length}`,
      () => {
        forwarder.wake()
        return payloads().length === count
      },
    )
  for (let n = 1; n <= 3; n++) {
    log.writer.commit(
      batchOf(n, blocksOf(1, n, [`{"n":${n}}`]), n === 1 ? [plan(1, PLAN), streamOp(1, ['journal'])] : []),
      [],
    )
    await arrive(n)
  }
  log.writer.commit(batchOf(4, blocksOf(3, 4, ['{"n":4}']), [other]), [])
  log.writer.commit(batchOf(5, blocksOf(2, 5, ['{"n":5}']), [alarm]), [])
  await arrive(4)
  log.writer.commit(batchOf(6, blocksOf(1, 6, ['{"n":6}'])), [])
  await arrive(5)
  expect(payloads()).toEqual([1, 2, 3, 5, 6].map((n) => ({ n })))
})

test('a message that is committed behind the removal of its upstream is listed', async () => {
  const { forwarder } = startForwarder(new LogReader(openReadable(folder.path)))
  await forwarder.configure({}, null)
  const plan = { type: 'plan', row: { id: 1, body: JSON.stringify(LATE) } } as const
  log.writer.commit(batchOf(1, blocksOf(1, 1, ['{"n":1}']), [plan, streamOp(1, ['late'])]), [])
  expect(forwarder.status()).toMatchObject([{ name: 'late', state: 'stopped', queued: 1 }])
})

test('a forwarder that does not know yet what is configured discards nothing', async () => {
  const plan = { type: 'plan', row: { id: 1, body: JSON.stringify(PLAN) } } as const
  log.writer.commit(batchOf(1, blocksOf(1, 1, ['{"n":1}']), [plan, streamOp(1, ['journal'])]), [])
  const { forwarder } = startForwarder(new LogReader(openReadable(folder.path)), false)
  expect(await forwarder.discard('journal')).toBeUndefined()
})

test('an upstream that is added again keeps its messages, although they are to be given up while its loop begins', async () => {
  const plan = { type: 'plan', row: { id: 1, body: JSON.stringify(PLAN) } } as const
  const { forwarder, journal } = startForwarder(new LogReader(openReadable(folder.path)))
  await forwarder.configure({}, null)
  log.writer.commit(batchOf(1, blocksOf(1, 1, ['{"n":1}']), [plan, streamOp(1, ['journal'])]), [])
  const added = forwarder.configure({ journal }, null)
  expect(await forwarder.discard('journal')).toBeUndefined()
  await added
})
