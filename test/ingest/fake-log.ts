import { EdgeError } from '../../daemon/core/errors.ts'
import type { Op } from '../../daemon/store/log/batch.ts'
import type { MessageLog, OnStored, Stored } from '../../daemon/store/log/message-log.ts'
import type { RecordInput } from '../../daemon/store/log/record.ts'

export interface Appended {
  seq: number
  stream: number
  record: RecordInput
  durability: 'power' | 'process' | undefined
}

/** A log that commits when the test says so, and remembers what it was handed. */
export class FakeLog implements Pick<MessageLog, 'accepting' | 'append' | 'put' | 'barrier'> {
  accepting = true
  readonly records: Appended[] = []
  readonly ops: Op[] = []
  /** Running time at which what waits is answered. */
  runningMs = 0
  private waiting: OnStored[] = []

  append(
    stream: number,
    record: RecordInput,
    stored: OnStored,
    durability?: Appended['durability'],
  ): number | undefined {
    const seq = this.records.length + 1
    this.records.push({ seq, stream, record, durability })
    this.waiting.push(stored)
    return seq
  }

  put(op: Op, stored?: Stored): void {
    this.ops.push(op)
    if (stored !== undefined) this.waiting.push(stored)
  }

  barrier(done: () => void): void {
    if (this.waiting.length === 0) done()
    else this.waiting.push(() => done())
  }

  commit(): void {
    for (const listener of this.waiting.splice(0)) notify(listener, null, this.runningMs)
  }

  fail(): void {
    const error = new EdgeError('store-unusable', 'broken')
    for (const listener of this.waiting.splice(0)) notify(listener, error, this.runningMs)
  }

  /** The policy drops the messages that wait; operations without a message are committed. */
  drop(): void {
    for (const listener of this.waiting.splice(0)) {
      if (typeof listener === 'function') listener(null, this.runningMs)
      else listener.dropped()
    }
  }

  /** The rows of one kind of operation, in the order in which they were put. */
  opsOf<Type extends Op['type']>(type: Type): Extract<Op, { type: Type }>[] {
    return this.ops.filter((op): op is Extract<Op, { type: Type }> => op.type === type)
  }
}

function notify(listener: OnStored, error: EdgeError | null, runningMs: number): void {
  if (typeof listener === 'function') listener(error, runningMs)
  else listener.stored(error, runningMs)
}
