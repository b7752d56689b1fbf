import { beforeEach, describe, expect, test } from 'vitest'
import type { ClientState } from '../../../daemon/broker/sessions/client-state.ts'
import { HeldClients } from '../../../daemon/broker/sessions/held-clients.ts'
import { FakeTime } from '../../../daemon/core/timers.ts'

let time: FakeTime
let held: HeldClients
let full: boolean

beforeEach(() => {
  time = new FakeTime()
  full = true
  held = new HeldClients(time, time, () => full)
})

interface FakeClient extends ClientState {
  closed: boolean
  readsOn: number
}

function client(keepAliveMs = 60_000): FakeClient {
  const fake: FakeClient = {
    waiting: 0,
    waitingAcks: 0,
    waitingBytes: 0,
    progressed: false,
    progressedAtMs: 0,
    answered: [],
    answeredCount: 0,
    trail: { at: 0 },
    refused: false,
    closed: false,
    readsOn: 0,
    keepAliveMs: () => keepAliveMs,
    closeWithoutWill: () => {
      fake.closed = true
    },
    readOn: () => {
      fake.readsOn++
    },
  }
  return fake
}

function answer(device: FakeClient, bytes: number, qos: 0 | 1 | 2 = 1): void {
  held.answered(device, qos)
  held.free(device, bytes)
}

describe('a client that waits while the store is full', () => {
  test('is closed after 10 s, and counted once', async () => {
    const device = client()
    held.hold(device, 100, 1)
    await time.pass(9_999)
    expect([device.closed, held.closed]).toEqual([false, 0])
    await time.pass(251)
    expect([device.closed, held.closed]).toEqual([true, 1])
    await time.pass(60_000)
    expect(held.closed).toBe(1)
  })

  test('is closed after half its keep-alive, if that is sooner', async () => {
    const [short, none] = [client(4_000), client(0)]
    held.hold(short, 1, 1)
    held.hold(none, 1, 1)
    await time.pass(2_250)
    expect([short.closed, none.closed]).toEqual([true, false])
    await time.pass(8_000)
    expect(none.closed).toBe(true)
  })

  test('stays connected as long as some of its messages are answered', async () => {
    const device = client()
    for (let message = 0; message < 10; message++) held.hold(device, 1, 1)
    for (let answered = 0; answered < 6; answered++) {
      await time.pass(9_000)
      answer(device, 1)
    }
    expect(device.closed).toBe(false)
    await time.pass(10_500)
    expect(device.closed).toBe(true)
  })

  test('starts a new wait with its next message once all are answered', async () => {
    const device = client()
    held.hold(device, 1, 1)
    await time.pass(9_000)
    answer(device, 1)
    held.hold(device, 1, 1)
    await time.pass(9_000)
    expect(device.closed).toBe(false)
  })
})

describe('a client with messages of QoS 0 while the store is full', () => {
  test('is not closed, but read from again', async () => {
    const device = client()
    held.hold(device, 1, 0)
    await time.pass(9_999)
    expect(device.readsOn).toBe(0)
    await time.pass(60_000)
    expect(device.closed).toBe(false)
    expect(device.readsOn).toBeGreaterThan(0)
  })

  test.each([1, 2] as const)(
    'is closed for one of QoS %d that waits as long, however many of QoS 0 are dropped',
    async (qos) => {
      const device = client()
      held.hold(device, 1, qos)
      for (let seconds = 0; seconds < 11; seconds++) {
        held.hold(device, 1, 0)
        answer(device, 1, 0)
        await time.pass(1_000)
      }
      expect(device.closed).toBe(true)
    },
  )

  test('gives one of QoS 1 that comes later its full time', async () => {
    const device = client()
    held.hold(device, 1, 0)
    await time.pass(9_000)
    held.hold(device, 1, 1)
    await time.pass(9_000)
    expect(device.closed).toBe(false)
  })
})

test('a client that waits for a store that is not full is left alone', async () => {
  full = false
  const device = client()
  held.hold(device, 1, 1)
  await time.pass(60_000)
  expect(device.closed).toBe(false)
})

test('a client without held messages is left alone', async () => {
  const device = client()
  held.hold(device, 1, 1)
  answer(device, 1)
  await time.pass(60_000)
  expect(device.closed).toBe(false)
})

test('the bytes of all held messages of a client are added up', () => {
  const [one, other] = [client(), client()]
  expect([held.hold(one, 100, 1), held.hold(one, 50, 1), held.hold(other, 7, 1)]).toEqual([100, 150, 7])
  answer(one, 100)
  expect(held.hold(one, 1, 1)).toBe(51)
})

test('nothing is checked after the stop', async () => {
  const device = client()
  held.hold(device, 1, 1)
  held.stop()
  expect(time.pending).toBe(0)
  await time.pass(60_000)
  expect(device.closed).toBe(false)
})
