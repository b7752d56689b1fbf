import type { Message } from 'kafkajs'
import { asBuffer } from '../../core/bytes.ts'
import type { OutgoingMessage } from '../adapter.ts'
import { type EncodedRecords, NO_TIMESTAMP, type RecordEncoder } from './record-encoder.ts'

/** The messages of one partition, in order, as indices into the batch. */
export interface PartitionBatch {
  readonly topic: string
  readonly partition: number
  readonly indices: readonly number[]
  /** The topic refuses their times: they are sent without. */
  readonly isTimeless?: boolean
}

/**
 * kafkajs copies the list of a partition for each message it adds to it, and allocates half a kilobyte for each header:
 * without this the figure `forward` of the bench rises by 20 µs of processor time a message. kafkajs asks the lists it is given
 * only for `reduce` (by partition), `map` (times, then records) and `length`, so these lists answer with messages that are grouped
 * and encoded already. Other versions may ask for more: `plainMessages` is for them. The adapter's tests read every
 * field back from a server.
 */
export class PreparedTopic extends Array<Message> {
  private readonly partitions: unknown

  constructor(batches: readonly PartitionBatch[], messages: readonly OutgoingMessage[], encoder: RecordEncoder) {
    super()
    const prepare = ({ indices, isTimeless }: PartitionBatch) =>
      new PreparedPartition(indices.length, encoder.encode(messages, indices, isTimeless))
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

/** The same messages as kafkajs documents them. */
export function plainMessages(batches: readonly PartitionBatch[], messages: readonly OutgoingMessage[]): Message[] {
  const plain: Message[] = []
  for (const { partition, indices, isTimeless } of batches)
    for (const index of indices) {
      const message = messages[index]
      if (message === undefined) continue
      const { key, payload, headers, timestampMs } = message
      const timestamp = String(isTimeless === true ? NO_TIMESTAMP : (timestampMs ?? NO_TIMESTAMP))
      plain.push({ partition, key, value: asBuffer(payload), headers: { ...headers }, timestamp })
    }
  return plain
}
