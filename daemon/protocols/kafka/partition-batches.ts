import type { OutgoingMessage } from '../adapter.ts'
import { partitionOf } from './partitioner.ts'
import type { PartitionBatch } from './prepared-messages.ts'

/** Groups a batch by topic: the indices of each topic's messages, in order. */
export function byTopic(channel: string | null, messages: readonly OutgoingMessage[]): Map<string, number[]> {
  const topics = new Map<string, number[]>()
  let last = ''
  let indices: number[] | undefined
  messages.forEach((message, index) => {
    const topic = channel ?? message.address
    if (indices === undefined || topic !== last) {
      last = topic
      indices = topics.get(topic)
      if (indices === undefined) topics.set(topic, (indices = []))
    }
    indices.push(index)
  })
  return topics
}

/** Groups a topic's messages by partition. The order key decides the partition, as the record key does in Java's client. */
export function byPartition(
  topic: string,
  partitions: number,
  messages: readonly OutgoingMessage[],
  indices: readonly number[],
): PartitionBatch[] {
  if (partitions === 1) return [{ topic, partition: 0, indices }]
  const lists = new Map<number, number[]>()
  for (const index of indices) {
    const partition = partitionOf(messages[index]?.orderKey ?? '', partitions)
    const list = lists.get(partition)
    if (list === undefined) lists.set(partition, [index])
    else list.push(index)
  }
  return [...lists].map(([partition, list]) => ({ topic, partition, indices: list }))
}
