import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemTimers } from '../../daemon/core/timers.ts'
import { History } from '../../daemon/feed/history.ts'
import { LiveFeed } from '../../daemon/feed/live-feed.ts'
import type { FeedFilter } from '../../daemon/ports/feed.ts'
import { openReadable } from '../../daemon/store/connection.ts'
import { BlockBuilder, BlockPool } from '../../daemon/store/log/block-builder.ts'
import { LogReader } from '../../daemon/store/log/log-reader.ts'
import { temporaryFolder, type TemporaryFolder } from '../servers/temporary-folder.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { batchOf, blocksOf, OpenLog, openOptions, recordInput, streamOp } from '../store/store-fixture.ts'
import { Collector, has } from './feed-collector.ts'
import { durableMessage, planOp } from './feed-input.ts'

let folder: TemporaryFolder
let log: OpenLog
let logReader: LogReader
let feed: LiveFeed
let prefix: string
let seq = 0
/** Messages that have a number and wait for their commit count too. */
let accepted = 0
let batch = 0

beforeEach(() => {
  folder = temporaryFolder('feed')
  log = new OpenLog(openOptions(folder.path))
  seq = 0
  batch = 0
  log.writer.commit(batchOf(++batch, [], [planOp(1, ['one']), streamOp(1, [])]), [])
  prefix = log.opened.messageIdPrefix
  logReader = new LogReader(openReadable(folder.path))
  accepted = 0
  feed = new LiveFeed(new History(logReader), () => Math.max(accepted, seq), systemTimers)
})
afterEach(() => {
  logReader.close()
  log.close()
  folder.remove()
})

/** Messages become durable; the feed is told of them unless it is to find them in the log by itself. */
function store(count: number, tell = true): void {
  const payloads = Array.from({ length: count }, (_, index) => `{"n":${seq + index + 1}}`)
  log.writer.commit(batchOf(++batch, blocksOf(1, seq + 1, payloads)), [])
  for (const payload of payloads) {
    const number = ++seq
    if (tell) feed.message(() => durableMessage(prefix, number, payload))
  }
}

const ALL: FeedFilter = { kinds: new Set(['message', 'connection'] as const) }

function connection(name: string): void {
  feed.connection(() => ({ type: 'client', name, state: 'connected', address: null, error: null, at: '' }))
}

const upTo = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)

describe('a reader', () => {
  test('gets what happens from now on, in order', async () => {
    store(3, false)
    const reader = new Collector()
    feed.subscribe(ALL, null, reader)
    store(2)
    connection('x')
    store(1)
    await has(reader, 3)
    expect(reader.seqs).toEqual([4, 5, 6])
    expect(reader.kinds).toEqual(['message', 'message', 'connection', 'message'])
    expect(reader.gaps).toEqual([])
  })

  test.each([0, 1, 4, 5])('that names message %i goes on behind it, without loss or repetition', async (last) => {
    store(5, false)
    const reader = new Collector()
    feed.subscribe(ALL, prefix + last, reader)
    store(3)
    await has(reader, 8 - last)
    store(2)
    await has(reader, 10 - last)
    expect(reader.seqs).toEqual(upTo(10, last + 1))
    expect(reader.gaps).toEqual([])
  })

  test('that names a message of another store is told, and begins now', async () => {
    const reader = new Collector()
    feed.subscribe(ALL, 'other:store:7', reader)
    store(1)
    await has(reader, 1)
    expect(reader.gaps).toEqual([{ after: 'other:store:7', missed: null, reason: 'unknown-id' }])
  })

  test('that resumes gets messages that were accepted before it came and are committed after', async () => {
    store(3, false)
    accepted = 6
    const reader = new Collector()
    feed.subscribe(ALL, prefix + 1, reader)
    await has(reader, 2)
    // The page has ended at message 3. No live event was made of the next ones, because nobody watched when they were accepted.
    store(3, false)
    await has(reader, 5)
    store(2)
    await has(reader, 7)
    expect(reader.seqs).toEqual(upTo(8, 2))
    expect(reader.gaps).toEqual([])
  })

  test('of one channel gets only its dead letters and rejections', async () => {
    const reader = new Collector()
    feed.subscribe({ kinds: new Set(['deadletter', 'rejected', 'message'] as const), channelId: 'one' }, null, reader)
    for (const channelIds of [['two'], ['one'], []]) {
      const common = { id: '1', topic: 't', code: 'payload-invalid', at: '', channelIds }
      feed.deadLetter(() => ({ ...common, destination: 'bus', messageId: 'm', answer: '' }))
      feed.rejected(() => ({ ...common, clientId: 'c', errors: [], document: null, message: null }))
    }
    store(1)
    await has(reader, 1)
    expect(reader.kinds).toEqual(['deadletter', 'rejected', 'message'])
  })

  test('of one channel gets only what belongs to it', async () => {
    const [one, other] = [new Collector(), new Collector()]
    feed.subscribe({ kinds: new Set(['message'] as const), channelId: 'one' }, null, one)
    feed.subscribe({ kinds: new Set(['message'] as const), channelId: 'two' }, prefix + 0, other)
    store(2)
    await has(one, 2)
    expect(other.seqs).toEqual([])
  })

  test('that takes nothing for a while finds messages in the log, and is told how much else it missed', async () => {
    const [slow, fast] = [new Collector(), new Collector()]
    const subscription = feed.subscribe(ALL, null, slow)
    feed.subscribe(ALL, null, fast)
    store(2)
    await has(slow, 2)
    slow.open = false
    store(3)
    connection('x')
    store(4)
    await has(fast, 9)
    expect(slow.seqs).toEqual([1, 2])
    slow.open = true
    subscription.resume()
    await has(slow, 9)
    store(1)
    await has(slow, 10)
    expect(slow.seqs).toEqual(upTo(10))
    expect(slow.gaps).toEqual([{ after: `${prefix}2`, missed: 1, reason: 'slow' }])
  })

  test('is told exactly how many messages have left the log', async () => {
    store(4, false)
    store(4, false)
    log.db.exec('DELETE FROM blocks WHERE last_seq <= 4')
    const reader = new Collector()
    feed.subscribe(ALL, `${prefix}1`, reader)
    await has(reader, 4)
    expect(reader.seqs).toEqual([5, 6, 7, 8])
    expect(reader.gaps).toEqual([{ after: `${prefix}1`, missed: 3, reason: 'expired' }])
  })

  test('is told of messages that have gone even where nothing has come after them', async () => {
    store(4, false)
    // No block goes before the state row tells of it.
    log.writer.commit(batchOf(++batch, []), [])
    log.db.exec('DELETE FROM blocks')
    const reader = new Collector()
    feed.subscribe(ALL, `${prefix}1`, reader)
    await waitUntil(
      () => 'a gap',
      () => reader.gaps.length === 1,
    )
    expect(reader.gaps).toEqual([{ after: `${prefix}1`, missed: 3, reason: 'expired' }])
    store(1)
    await has(reader, 1)
    expect(reader.seqs).toEqual([5])
  })

  test.each([65, 300])(
    'reads a commit of %i blocks to its end, whatever lies before and behind it',
    async (streams) => {
      store(3, false)
      const ops = Array.from({ length: streams }, (_, index) => streamOp(index + 2, []))
      const builders = ops.map((_, index) => new BlockBuilder(index + 2, new BlockPool()))
      // Round and round: every block reaches over the whole of the commit.
      for (let round = 0; round < 4; round++)
        for (const builder of builders) builder.append(++seq, recordInput(`{"n":${seq}}`))
      const blocks = builders.flatMap((builder) => builder.takeBlocks()).sort((a, b) => a.firstSeq - b.firstSeq)
      log.writer.commit(batchOf(++batch, blocks, ops), [])
      store(3, false)
      for (const from of [0, 3, streams + 10]) {
        const reader = new Collector()
        feed.subscribe(ALL, prefix + from, reader)
        await has(reader, seq - from)
        expect(reader.seqs).toEqual(upTo(seq, from + 1))
        expect(reader.gaps).toEqual([])
      }
    },
  )

  test('that names a message which has not been given out yet is told, and begins now', async () => {
    store(1, false)
    const reader = new Collector()
    feed.subscribe(ALL, `${prefix}999`, reader)
    store(1)
    await has(reader, 1)
    expect(reader.gaps).toMatchObject([{ reason: 'unknown-id' }])
  })

  test('goes on when another one of its group has been behind and has left', async () => {
    const [behind, leaving, staying] = [new Collector(), new Collector(), new Collector()]
    const first = feed.subscribe(ALL, null, behind)
    const second = feed.subscribe(ALL, null, leaving)
    store(1)
    await has(leaving, 1)
    behind.open = false
    store(1)
    await has(leaving, 2)
    second.close()
    behind.open = true
    first.resume()
    await has(behind, 2)
    feed.subscribe(ALL, null, staying)
    first.close()
    store(1)
    await has(staying, 1)
    expect(staying.seqs).toEqual([3])
  })

  test('that has closed gets nothing more, and without readers no event is made', async () => {
    const reader = new Collector()
    const subscription = feed.subscribe(ALL, null, reader)
    expect(feed.active).toBe(true)
    subscription.close()
    expect(feed.active).toBe(false)
    feed.message(() => {
      throw new Error('nobody watches')
    })
    expect(reader.seqs).toEqual([])
  })
})

test('readers with the same filter share what is made of their events', async () => {
  const readers = Array.from({ length: 200 }, () => new Collector())
  for (const reader of readers) feed.subscribe(ALL, null, reader)
  store(3)
  await Promise.all(readers.map((reader) => has(reader, 3)))
  let made = 0
  for (const reader of readers) for (const one of reader.batches) one.once('bytes', () => ++made)
  expect(made).toBe(new Set(readers.flatMap((reader) => reader.batches)).size)
  expect(made).toBeLessThan(readers.length)
})

test('whatever the pace of reader and log, every message comes once and in order', async () => {
  let state = 20_261_124
  const random = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
  const reader = new Collector()
  const subscription = feed.subscribe(ALL, null, reader)
  store(1)
  for (let step = 0; step < 300; step++) {
    const dice = random()
    if (dice < 0.4) store(1 + Math.floor(random() * 5))
    else if (dice < 0.6) reader.open = !reader.open
    else if (dice < 0.8) await new Promise((resolve) => setImmediate(resolve))
    else subscription.resume()
  }
  reader.open = true
  subscription.resume()
  await has(reader, seq)
  expect(reader.seqs).toEqual(upTo(seq))
  expect(reader.gaps).toEqual([])
})
