import { expect, test } from 'vitest'
import type { WriterPort } from '../../../daemon/forward/forwarder-messages.ts'
import { Reporter } from '../../../daemon/forward/thread/reporter.ts'
import type { FromForwarder, ToForwarder } from '../../../daemon/store/log/writer-messages.ts'
import { cursorAt } from '../fake-log.ts'

/** A writer that has received settlements and answers by hand. */
class FakeWriter implements WriterPort {
  readonly numbers: number[] = []
  isClosed = false
  private listener: (message: ToForwarder) => void = () => undefined

  postMessage({ settlement }: FromForwarder): void {
    this.numbers.push(settlement.number)
  }

  on(_event: 'message', listener: (message: ToForwarder) => void): void {
    this.listener = listener
  }

  close(): void {
    this.isClosed = true
  }

  answer(message: ToForwarder): void {
    this.listener(message)
  }
}

const settled = { cursor: cursorAt('cloud', 1), deadLetters: [], held: [], released: [], lost: [] }

test('a new writer gets what the one before it has not confirmed, in order', () => {
  const reporter = new Reporter()
  const first = new FakeWriter()
  reporter.connect(first)
  for (let count = 0; count < 3; count++) reporter.report(settled)
  first.answer({ type: 'settled', number: 1 })
  const second = new FakeWriter()
  reporter.connect(second)
  reporter.report(settled)
  expect([first.numbers, second.numbers]).toEqual([
    [1, 2, 3],
    [2, 3, 4],
  ])
  expect(first.isClosed).toBe(true)
})

test('reports that are made before there is a writer are not lost', () => {
  const reporter = new Reporter()
  reporter.report(settled)
  const writer = new FakeWriter()
  reporter.connect(writer)
  expect(writer.numbers).toEqual([1])
})

test('flushed resolves when the last report before it is confirmed', async () => {
  const reporter = new Reporter()
  const writer = new FakeWriter()
  reporter.connect(writer)
  await reporter.flushed()
  reporter.report(settled)
  reporter.report(settled)
  let isFlushed = false
  const flushed = reporter.flushed().then(() => (isFlushed = true))
  writer.answer({ type: 'settled', number: 1 })
  await Promise.resolve()
  expect(isFlushed).toBe(false)
  expect(reporter.unconfirmedCount).toBe(1)
  writer.answer({ type: 'settled', number: 2 })
  await flushed
  expect(reporter.unconfirmedCount).toBe(0)
})

test('a store that needs room asks the handler for it', () => {
  const asked: unknown[] = []
  const reporter = new Reporter()
  reporter.onRoomNeeded((bytes, required) => asked.push({ bytes, required }))
  const writer = new FakeWriter()
  reporter.connect(writer)
  writer.answer({ type: 'give-up', bytes: 500, required: true })
  expect(asked).toEqual([{ bytes: 500, required: true }])
})
