import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameGate, gateFrames } from '../../../daemon/broker/listeners/frame-gate.ts'

/** Remaining length as MQTT 3.1.1, 2.2.3, encodes it. */
function lengthBytes(length: number): number[] {
  const bytes: number[] = []
  let rest = length
  do {
    const byte = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? byte | 0x80 : byte)
  } while (rest > 0)
  return bytes
}

/** A PUBLISH of which only the lengths are true. */
function packet(bodyBytes: number): Buffer {
  return Buffer.from([0x30, ...lengthBytes(bodyBytes), ...Array.from({ length: bodyBytes }, () => 0xff)])
}

function checkInPieces(gate: FrameGate, bytes: Buffer, cuts: readonly number[]): number | undefined {
  let from = 0
  for (const cut of [...cuts.filter((at) => at < bytes.length), bytes.length].toSorted((a, b) => a - b)) {
    const declared = gate.check(bytes.subarray(from, cut))
    if (declared !== undefined) return declared
    from = cut
  }
  return undefined
}

describe('the gate for packet sizes', () => {
  test('lets packets of any size up to the limit through, in whatever pieces they arrive', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(200), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(1_000), { maxLength: 8 }),
        (bodies, cuts) => {
          const gate = new FrameGate(203)
          expect(checkInPieces(gate, Buffer.concat(bodies.map(packet)), cuts)).toBeUndefined()
        },
      ),
    )
  })

  test('finds the first packet that declares too much, wherever its header is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(100), { maxLength: 4 }),
        fc.integer({ min: 199, max: 268_435_455 }),
        fc.array(fc.nat(500), { maxLength: 6 }),
        (bodies, tooMuch, cuts) => {
          const header = Buffer.from([0x30, ...lengthBytes(tooMuch)])
          const bytes = Buffer.concat([...bodies.map(packet), header])
          expect(checkInPieces(new FrameGate(200), bytes, cuts)).toBe(tooMuch + header.length)
        },
      ),
    )
  })

  test('counts the fixed header as part of the packet', () => {
    expect(new FrameGate(102).check(packet(100))).toBeUndefined()
    expect(new FrameGate(101).check(packet(100))).toBe(102)
  })

  test('leaves a length of more than four bytes to the parser', () => {
    const gate = new FrameGate(0xffff_ffff)
    expect(gate.check(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff]))).toBeUndefined()
  })
})

describe('a gated connection', () => {
  test('is read as before while its packets are small', async () => {
    const connection = new PassThrough()
    const declared: number[] = []
    gateFrames(connection, 100, (bytes) => declared.push(bytes))
    connection.write(packet(10))
    connection.end(packet(20))
    const read: Buffer[] = []
    for await (const chunk of connection) read.push(chunk as Buffer)
    expect(Buffer.concat(read)).toEqual(Buffer.concat([packet(10), packet(20)]))
    expect(declared).toEqual([])
  })

  test('is closed at the header of a packet that is too large, of which nothing is read', () => {
    const connection = new PassThrough()
    const declared: number[] = []
    gateFrames(connection, 100, (bytes) => declared.push(bytes))
    connection.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]))
    expect(connection.read()).toBeNull()
    expect(declared).toEqual([268_435_460])
    expect(connection.destroyed).toBe(true)
  })
})
