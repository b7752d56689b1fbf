import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { FakeClock } from '../../../daemon/core/clock.ts'
import type { Batch, Durability } from '../../../daemon/store/log/batch.ts'
import { MessageLog } from '../../../daemon/store/log/message-log.ts'
import { decodeBlock, sealRecords } from '../../../daemon/store/log/record.ts'
import { RunningClock } from '../../../daemon/store/log/running-clock.ts'
import { recordInput, streamOp } from '../store-fixture.ts'

/** A log, with the test in the part of its writer. */
function startLog(start = { batch: 0, seq: 0 }, durability: Durability = 'power') {
  const sent: Batch[] = []
  const answers: string[] = []
  const clock = new RunningClock(
    new FakeClock(),
    { runningMs: 0, monotonicMs: 0, wallMs: 0, synced: true },
    false,
    true,
  )
  const log = new MessageLog({ send: (batch) => sent.push(batch) }, clock, start, durability)
  const append = (name: string, stream = 1): number | undefined =>
    log.append(stream, recordInput(name), (error) => answers.push(error === null ? name : `${name}: ${error.code}`))
  return { log, sent, answers, append }
}

function payloads(batch: Batch | undefined): string[] {
  return (batch?.blocks ?? []).flatMap((block) => {
    const body = Buffer.from(block.buffer, 0, block.length)
    sealRecords(body)
    return decodeBlock(body).records.map((record) => record.payload.toString())
  })
}

test('messages of one turn make one batch, and messages that arrive during its commit make the next', async () => {
  const { log, sent, answers, append } = startLog()
  for (const name of ['a', 'b']) append(name)
  await turn()
  for (const name of ['c', 'd']) append(name)
  await turn()
  expect(sent.map(payloads)).toEqual([['a', 'b']])
  expect(answers).toEqual([])
  log.committed(1)
  expect(answers).toEqual(['a', 'b'])
  expect(sent.map(payloads)).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ])
  log.committed(2)
  expect(answers).toEqual(['a', 'b', 'c', 'd'])
})

test('sequence and batch numbers continue those of the store', async () => {
  const { sent, append } = startLog({ batch: 7, seq: 100 })
  expect(append('a')).toBe(101)
  expect(append('b', 2)).toBe(102)
  expect(append('c')).toBe(103)
  await turn()
  expect(sent[0]?.number).toBe(8)
  expect(sent[0]?.blocks.map(({ stream, firstSeq, lastSeq, count }) => ({ stream, firstSeq, lastSeq, count }))).toEqual(
    [
      { stream: 1, firstSeq: 101, lastSeq: 103, count: 2 },
      { stream: 2, firstSeq: 102, lastSeq: 102, count: 1 },
    ],
  )
})

test('callbacks come in the order of the calls, over streams, operations and barriers', async () => {
  const { log, answers, append } = startLog()
  log.barrier(() => answers.push('nothing waits'))
  append('a', 1)
  log.put(streamOp(2, []), () => answers.push('op'))
  append('b', 2)
  log.barrier(() => answers.push('barrier'))
  append('c', 1)
  await turn()
  log.barrier(() => answers.push('late barrier'))
  expect(answers).toEqual(['nothing waits'])
  log.committed(1)
  expect(answers).toEqual(['nothing waits', 'a', 'op', 'b', 'barrier', 'c', 'late barrier'])
})

test('a barrier that a callback asks for comes after the callbacks before it', async () => {
  const { log, sent, answers, append } = startLog()
  log.append(1, recordInput('a'), () => {
    answers.push('a')
    log.barrier(() => answers.push('barrier of a'))
  })
  append('b')
  await turn()
  log.committed(1)
  expect(answers).toEqual(['a', 'b', 'barrier of a'])
  expect(sent).toHaveLength(1)
})

test('a barrier needs no commit of its own', async () => {
  const { log, sent, append } = startLog()
  append('a')
  await turn()
  log.barrier(() => undefined)
  log.committed(1)
  await turn()
  expect(sent).toHaveLength(1)
})

test('a callback may append the next message', async () => {
  const { log, sent, answers, append } = startLog()
  log.append(1, recordInput('a'), () => append('b'))
  await turn()
  log.committed(1)
  await turn()
  log.committed(2)
  expect(answers).toEqual(['b'])
  expect(sent.map(payloads)[1]).toEqual(['b'])
})

test('a new writer gets the batch that the dead one had not committed', async () => {
  const { log, sent, answers, append } = startLog()
  append('a')
  await turn()
  log.resend(0)
  expect(sent.map((batch) => batch.number)).toEqual([1, 1])
  expect(payloads(sent[1])).toEqual(['a'])
  log.committed(1)
  log.committed(1)
  expect(answers).toEqual(['a'])
})

test('a batch that the dead writer had committed is acknowledged and not sent again', async () => {
  const { log, sent, answers, append } = startLog()
  append('a')
  await turn()
  append('b')
  log.resend(1)
  expect(answers).toEqual(['a'])
  expect(sent.map((batch) => batch.number)).toEqual([1, 2])
  log.resend(1)
  expect(sent.map((batch) => batch.number)).toEqual([1, 2, 2])
})

test('the acknowledgement of another batch acknowledges nothing', async () => {
  const { log, answers, append } = startLog()
  append('a')
  await turn()
  log.committed(0)
  log.committed(2)
  expect(answers).toEqual([])
})

test('messages beyond the memory bound are refused at once', async () => {
  const { log, answers } = startLog()
  const large = new Uint8Array(1024 ** 2)
  let taken = 0
  for (let index = 0; index < 40; index++)
    if (log.append(1, recordInput(large), (error) => answers.push(error?.code ?? 'ok')) !== undefined) taken++
  expect(log.accepting).toBe(false)
  expect(taken).toBeLessThan(20)
  expect(answers).toEqual(Array.from({ length: 40 - taken }, () => 'store-full'))
  expect(log.pending.bytes).toBeLessThan(18 * 1024 ** 2)
  await turn()
  expect(log.accepting).toBe(true)
})

test('a message that does not fit into a record is refused, and takes no sequence number', async () => {
  const { log, sent, answers, append } = startLog()
  const refused = log.append(1, recordInput('x', { headers: 'h'.repeat(65_536) }), (error) =>
    answers.push(error?.code ?? 'ok'),
  )
  expect(refused).toBeUndefined()
  expect(answers).toEqual(['message-too-large'])
  expect(append('a')).toBe(1)
  await turn()
  expect(payloads(sent[0])).toEqual(['a'])
})

test('a message larger than a block has a block of its own', async () => {
  const { sent, append } = startLog()
  const large = 'x'.repeat(400_000)
  for (const name of ['a', large, 'b']) append(name)
  await turn()
  expect(sent[0]?.blocks.map((block) => block.count)).toEqual([1, 1, 1])
  expect(payloads(sent[0])).toEqual(['a', large, 'b'])
})

test('flushed resolves when everything is durable, and a closed log refuses messages', async () => {
  const { log, answers, append } = startLog()
  append('a')
  log.close()
  expect(append('b')).toBeUndefined()
  log.put(streamOp(1, []), (error) => answers.push(error?.code ?? 'ok'))
  let done = false
  const flushed = log.flushed().then(() => (done = true))
  await turn()
  expect(done).toBe(false)
  log.committed(1)
  await flushed
  expect(answers).toEqual(['b: shutting-down', 'shutting-down', 'a'])
  await log.flushed()
})

test('a dropped batch is acknowledged, and its messages are counted', async () => {
  const { log, answers, append } = startLog()
  for (const name of ['a', 'b']) append(name)
  log.put(streamOp(1, []), () => answers.push('op'))
  await turn()
  expect(log.dropped(1)).toBe(2)
  expect(answers).toEqual(['a', 'b', 'op'])
})

test.each([
  ['power', undefined, undefined, 'power'],
  ['power', 'process', 'process', 'process'],
  ['power', 'process', undefined, 'power'],
  ['process', undefined, undefined, 'process'],
  ['process', undefined, 'power', 'power'],
] as const)('a batch at %s with messages that ask for %s and %s is %s', async (settings, one, other, expected) => {
  const { log, sent } = startLog({ batch: 0, seq: 0 }, settings)
  for (const durability of [one, other]) log.append(1, recordInput('x'), () => undefined, durability)
  await turn()
  expect(sent.map((batch) => batch.durability)).toEqual([expected])
  log.put({ type: 'retain-delete', topic: 't' })
  log.committed(1)
  expect(sent.map((batch) => batch.durability)).toEqual([expected, settings])
})
