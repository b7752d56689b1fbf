import type { Message } from 'kafkajs'
import type { OutgoingMessage } from '../adapter.ts'
import type { EncodedRecords, RecordEncoder } from './record-encoder.ts'

/** The messages of one partition, in order, as indices into the batch. */
export interface PartitionBatch {
  readonly topic: string
  readonly partition: number
  readonly indices: readonly number[]
}

/**
 * kafkajs copies the list of a partition for each message it adds to it, and allocates half a kilobyte for each header:
 * 20 µs a message. It asks the lists it is given only for `reduce` (by partition), `map` (times, then records) and
 * `length`, so these lists answer with what is grouped and encoded already.
 * kafkajs is pinned to the version this was written against; the adapter's tests read every field back from a server.
 */
export class PreparedTopic extends Array<Message> {
  private readonly partitions: unknown

  constructor(batches: readonly PartitionBatch[], messages: readonly OutgoingMessage[], encoder: RecordEncoder) {
    super()
    const prepare = ({ indices }: PartitionBatch) =>
      new PreparedPartition(indices.length, encoder.encode(messages, indices))
    this.partitions = Object.fromEntries(batches.map((batch) => [batch.partition, prepare(batch)]))
  }

  override reduce<Result>(_combine: unknown, _initial?: unknown): Result {
    return this.partitions as Result
  }
}

class PreparedPartition extends Array<Message> {
  private readonly encoded: EncodedRecords

  constructor(count: number, encoded: EncodedRecords) {
    super()
    this.length = count
    this.encoded = encoded
  }

  override map<Result>(callback: (message: Message, index: number, list: Message[]) => Result): Result[] {
    const { bytes, baseTimestamp } = this.encoded
    const answer: unknown = callback({ value: null, timestamp: String(baseTimestamp) }, 0, this)
    const isTime = typeof answer === 'string'
    if (isTime) return [answer as Result]
    // All records stand in the first place; kafkajs takes the length as their number, and passes over holes.
    const records: unknown[] = []
    records.length = this.length
    records[0] = { buf: bytes, buffer: bytes }
    return records as Result[]
  }
}
