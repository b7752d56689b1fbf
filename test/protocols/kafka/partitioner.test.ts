import kafkajs from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { murmur2, partitionOf } from '../../../daemon/protocols/kafka/partitioner.ts'

describe('partitioner', () => {
  // From Apache Kafka's UtilsTest.testMurmur2.
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('murmur2 of %j is Java’s %i', (key, hash) => {
    expect(murmur2(key)).toBe(hash)
  })

  test('agrees with the Java-compatible partitioner of kafkajs for every kind of key', () => {
    const oracle = kafkajs.Partitioners.DefaultPartitioner()
    const partitionMetadata = Array.from({ length: 12 }, (_, partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 1,
      replicas: [1],
      isr: [1],
    }))
    const keys = [
      '',
      'ü',
      '機器-7',
      '😀',
      ...Array.from({ length: 500 }, (_, n) => 'x'.repeat(n % 9) + String(n * 7919)),
    ]
    for (const key of keys) {
      expect(partitionOf(key, 12), key).toBe(oracle({ topic: 't', partitionMetadata, message: { key, value: '' } }))
    }
  })
})
