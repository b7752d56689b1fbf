import type { MessageLog, Stored } from '../../daemon/store/message-log.ts'
import type { Op } from '../../daemon/store/batch.ts'
import type { RecordInput } from '../../daemon/store/record.ts'
import { EdgeError } from '../../daemon/core/errors.ts'

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
  private waiting: Stored[] = []

  append(stream: number, record: RecordInput, stored: Stored, durability?: Appended['durability']): number | undefined {
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
    for (const stored of this.waiting.splice(0)) stored(null)
  }

  fail(): void {
    for (const stored of this.waiting.splice(0)) stored(new EdgeError('store-unusable', 'broken'))
  }

  /** The rows of one kind of operation, in the order in which they were put. */
  opsOf<Type extends Op['type']>(type: Type): Extract<Op, { type: Type }>[] {
    return this.ops.filter((op): op is Extract<Op, { type: Type }> => op.type === type)
  }
}
