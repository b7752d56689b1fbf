import { expect, test } from 'vitest'
import { plainMessages } from '../../../daemon/protocols/kafka/prepared-messages.ts'
import { outgoing } from '../outgoing.ts'

test('for an unknown version of kafkajs a batch is a plain list, with the partitions that were chosen', () => {
  const messages = [outgoing(1, { key: 'a' }), outgoing(2, { timestampMs: null }), outgoing(3)]
  const batches = [
    { topic: 't', partition: 4, indices: [0, 2] },
    { topic: 't', partition: 7, indices: [1] },
  ]
  expect(plainMessages(batches, messages)).toEqual([
    {
      partition: 4,
      key: 'a',
      value: Buffer.from('{"n":1}'),
      headers: { 'message-id': 'edge-1:a:1' },
      timestamp: '1767225600001',
    },
    {
      partition: 4,
      key: null,
      value: Buffer.from('{"n":3}'),
      headers: { 'message-id': 'edge-1:a:3' },
      timestamp: '1767225600003',
    },
    {
      partition: 7,
      key: null,
      value: Buffer.from('{"n":2}'),
      headers: { 'message-id': 'edge-1:a:2' },
      timestamp: '-1',
    },
  ])
})
