import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteQueue } from '../../../daemon/broker/aedes/byte-queue.ts'

function queueOf(...chunks: (readonly number[])[]): ByteQueue {
  const queue = new ByteQueue()
  for (const chunk of chunks) queue.append(Buffer.from(chunk))
  return queue
}

describe('queued bytes', () => {
  test('are read and consumed across chunks', () => {
    const queue = queueOf([1], [], [2, 3, 4], [5, 6])
    expect(queue.length).toBe(6)
    expect([queue.readUInt8(0), queue.readUInt8(5)]).toEqual([1, 6])
    expect([queue.readUInt16BE(0), queue.readUInt16BE(1), queue.readUInt32BE(2)]).toEqual([0x0102, 0x0203, 0x03040506])
    queue.consume(2)
    expect([queue.length, queue.readUInt8(0)]).toEqual([4, 3])
    expect(queue.slice(1, 3)).toEqual(Buffer.from([4, 5]))
    queue.consume(99)
    expect([queue.length, queue.slice(0, 1).length]).toEqual([0, 0])
    queue.append(Buffer.from([7]))
    expect(queue.readUInt8(0)).toBe(7)
  })

  test('are shared, not copied, where they lie in one piece', () => {
    const chunk = Buffer.from('abcdef')
    const queue = new ByteQueue()
    queue.append(chunk)
    queue.consume(1)
    const slice = queue.slice(1, 3)
    chunk[2] = 0x78
    expect(slice.toString()).toBe('xd')
  })

  test('are decoded as text, even if a character arrives in two chunks', () => {
    const [a, b] = [Buffer.from('h€').subarray(0, 2), Buffer.from('h€').subarray(2)]
    expect(queueOf([...a], [...b]).toString('utf8', 0, 4)).toBe('h€')
    expect(queueOf([...a, ...b]).toString('utf8', 1, 4)).toBe('€')
  })

  test('that have not arrived cannot be read', () => {
    const queue = queueOf([1], [2])
    expect(() => queue.readUInt8(2)).toThrow(RangeError)
    expect(() => queue.readUInt16BE(1)).toThrow(RangeError)
    expect(() => new ByteQueue().readUInt8(0)).toThrow(RangeError)
    expect(queue.slice(1, 9)).toEqual(Buffer.from([2]))
    expect(queue.slice(2, 9).length).toBe(0)
    expect(queue.slice(1, 0).length).toBe(0)
  })

  test('equal those of one long buffer, whatever is appended and consumed', () => {
    const step = fc.oneof(
      fc.record({ append: fc.uint8Array({ maxLength: 12 }) }),
      fc.record({ consume: fc.nat(15) }),
      fc.record({ from: fc.nat(15), to: fc.nat(25) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queue = new ByteQueue()
        let model = Buffer.alloc(0)
        for (const one of steps) {
          if ('append' in one) {
            queue.append(Buffer.from(one.append))
            model = Buffer.concat([model, one.append])
          } else if ('consume' in one) {
            queue.consume(one.consume)
            model = model.subarray(one.consume)
          } else {
            const expected = model.subarray(one.from, Math.max(one.from, one.to))
            expect(queue.slice(one.from, one.to).equals(expected)).toBe(true)
            expect(queue.toString('latin1', one.from, one.to)).toBe(expected.toString('latin1'))
            if (one.from < model.length) expect(queue.readUInt8(one.from)).toBe(model[one.from])
          }
          expect(queue.length).toBe(model.length)
        }
      }),
      { numRuns: 500 },
    )
  })
})
