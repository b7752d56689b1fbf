import { beforeEach, expect, test } from 'vitest'
import { RejectionNotices, type Rejection } from '../../daemon/broker/rejection-notices.ts'
import { FakeClock } from '../../daemon/core/clock.ts'

let clock: FakeClock
let sent: { topic: string; notice: unknown }[]
let traced: string[]
let notices: RejectionNotices

beforeEach(() => {
  clock = new FakeClock()
  sent = []
  traced = []
  const trace = (...parts: string[]): void => void traced.push(parts.join(' '))
  notices = new RejectionNotices(clock, trace, (topic, payload) => {
    expect(payload).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]/)
    sent.push({ topic, notice: JSON.parse(payload) })
  })
})

function rejection(topic = 'a'): Rejection {
  const at = '2026-01-01T00:00:00.000Z'
  return { id: '7', topic, packetId: 3, code: 'payload-invalid', errors: [], document: 'd@1', message: 'm', at }
}

test('the first notice goes to the topic of its client at once, with the reason', () => {
  notices.announce('pump/1 ä', rejection())
  expect(sent).toEqual([
    { topic: '$stepflow/clients/pump%2F1%20%C3%A4/rejected', notice: { ...rejection(), suppressed: 0 } },
  ])
})

test('a client gets one notice a second, and the next one says how many were left out', () => {
  for (let message = 0; message < 5; message++) notices.announce('pump', rejection())
  clock.advance(999)
  notices.announce('pump', rejection())
  expect(sent).toHaveLength(1)
  clock.advance(1)
  notices.announce('pump', rejection('b'))
  expect(sent.at(-1)?.notice).toMatchObject({ topic: 'b', suppressed: 5 })
  clock.advance(1_000)
  notices.announce('pump', rejection())
  expect(sent.at(-1)?.notice).toMatchObject({ suppressed: 0 })
})

test('the notices of one client hold back none of another', () => {
  notices.announce('one', rejection())
  notices.announce('other', rejection())
  expect(sent).toHaveLength(2)
})

test('a step of the wall clock holds no notice back', () => {
  notices.announce('pump', rejection())
  clock.stepWall(-86_400_000)
  clock.advance(1_000)
  notices.announce('pump', rejection())
  expect(sent).toHaveLength(2)
})

test('beyond 10,000 clients the one that was told longest ago is forgotten', () => {
  for (let number = 0; number <= 10_000; number++) notices.announce(`client-${number}`, rejection())
  expect(sent).toHaveLength(10_001)
  notices.announce('client-10000', rejection())
  expect(sent).toHaveLength(10_001)
  notices.announce('client-0', rejection())
  expect(sent).toHaveLength(10_002)
})

test('each refusal is handed on to be logged, whether or not a notice is sent', () => {
  notices.announce('pump', rejection())
  notices.announce('pump', rejection('b'))
  expect(traced).toEqual(['pump payload-invalid a', 'pump payload-invalid b'])
})

test('control characters and byte order marks are escaped, and come back when the notice is read', () => {
  notices.announce('pump', rejection('a\u0007\u009b\ufeff\u2028'))
  expect(sent[0]?.notice).toMatchObject({ topic: 'a\u0007\u009b\ufeff\u2028' })
})
