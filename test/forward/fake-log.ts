import type { Lane } from '../../daemon/core/message.ts'
import type { ForwarderReader } from '../../daemon/forward/thread/forwarder.ts'
import type { Settled } from '../../daemon/forward/thread/reporter.ts'
import type { ReadBlock } from '../../daemon/store/log/log-reader.ts'
import { decodeBlock, encodeRecord, recordBound, type RecordInput, sealRecords } from '../../daemon/store/log/record.ts'
import type { BlockHead } from '../../daemon/store/tables/blocks.ts'
import type { CursorRow } from '../../daemon/store/tables/cursors.ts'
import type { DeadLetterInput } from '../../daemon/store/tables/dead-letters.ts'
import type { DeliveryKey, HeldRow } from '../../daemon/store/tables/held.ts'
import type { StreamRow } from '../../daemon/store/tables/streams.ts'
import type { Plan } from '../../daemon/verdict/plan.ts'

interface FakeBlock {
  head: BlockHead
  body: Buffer
}

/** A log in memory. A message goes to the address that its topic names; its payload is `{"n": <sequence number>}`. */
export class FakeLog implements ForwarderReader {
  readonly blocks: FakeBlock[] = []
  readonly streamRows: StreamRow[] = []
  cursorRows: CursorRow[] = []
  heldRows: (HeldRow & { destination: string })[] = []
  deadLetterRows: (DeadLetterInput & { destination: string; lane: Lane })[] = []
  private readonly plans: string[] = []
  private batch = 0
  private seq = 0

  /** A stream of its own for these destinations; returns its number, which is also that of its plan. */
  addStream(destinations: string[], lane: Lane = 'live', targets?: Plan['targets']): number {
    const plan: Plan = {
      document: null,
      message: null,
      channel: null,
      channelIds: ['channel'],
      contentType: null,
      lane,
      targets: targets ?? destinations.map((to) => ({ to, address: null, key: null })),
    }
    this.plans.push(JSON.stringify(plan))
    const id = this.plans.length
    this.streamRows.push({ id, lane, destinations })
    return id
  }

  /** Commits one batch of a block with a message for each topic; returns their sequence numbers. */
  append(stream: number, topics: readonly string[], fields: Partial<RecordInput> = {}): number[] {
    const body: Buffer[] = []
    const seqs = topics.map((topic) => {
      const seq = ++this.seq
      body.push(encode(seq, { ...record(stream, seq), topic, ...fields }))
      return seq
    })
    this.commit(stream, body, seqs, fields.runningMs ?? 0)
    return seqs
  }

  private commit(stream: number, bodies: readonly Buffer[], seqs: readonly number[], runningMs: number): void {
    const body = Buffer.concat(bodies)
    sealRecords(body)
    const id = seqs[0] ?? 0
    const last_seq = seqs.at(-1) ?? 0
    const { length } = body
    const head = {
      id,
      last_seq,
      batch: ++this.batch,
      stream,
      epoch: 1,
      boot: 1,
      count: seqs.length,
      length,
      running_ms: runningMs,
    }
    this.blocks.push({ head, body })
  }

  /** Applies a settlement as the log writer does. */
  apply({ cursor, held, released, deadLetters }: Settled): void {
    const { destination, lane } = cursor
    const others = this.cursorRows.filter((row) => row.destination !== destination || row.lane !== lane)
    this.cursorRows = [...others, cursor]
    const isReleased = (row: DeliveryKey): boolean =>
      released.some(({ seq, target }) => seq === row.seq && target === row.target)
    this.heldRows = this.heldRows.filter((row) => row.destination !== destination || !isReleased(row))
    for (const row of held) this.heldRows.push({ ...row, destination, lane, record: Buffer.from(row.record) })
    for (const letter of deadLetters) this.deadLetterRows.push({ ...letter, destination, lane })
  }

  /** An operator has a dead letter sent again: it becomes a held delivery in one commit. */
  replay(letter: DeadLetterInput & { destination: string; lane: Lane }, runningMs: number, replayedMs: number): void {
    this.deadLetterRows = this.deadLetterRows.filter((one) => one !== letter)
    const { seq, target, epoch, boot, destination, lane } = letter
    const record = Buffer.from(letter.record)
    this.heldRows.push({
      seq,
      target,
      epoch,
      boot,
      destination,
      lane,
      record,
      route: '',
      sinceRunningMs: runningMs,
      replayedMs,
    })
  }

  snapshot<Value>(read: () => Value): Value {
    return read()
  }

  headsAfter(afterId: number, limit: number): BlockHead[] {
    return this.blocks
      .map(({ head }) => head)
      .filter(({ id }) => id > afterId)
      .slice(0, limit)
  }

  positionBefore(seq: number): number {
    return this.blocks.findLast(({ head }) => head.last_seq < seq)?.head.id ?? 0
  }

  read(head: BlockHead): ReadBlock | undefined {
    const block = this.blocks.find((one) => one.head.id === head.id)
    return block === undefined ? undefined : { head, ...decodeBlock(block.body) }
  }

  plan(id: number): string | undefined {
    return this.plans[id - 1]
  }

  messageIdPrefix(): string {
    return 'gw:store:'
  }

  wallOffset(): undefined {
    return undefined
  }

  streams(): StreamRow[] {
    return this.streamRows
  }

  cursors(): CursorRow[] {
    return this.cursorRows
  }

  lastSeq(): number {
    return this.seq
  }

  written(streams: readonly number[]): { messages: number; bytes: number } {
    const { messages, bytes } = this.present(streams)
    return { messages, bytes }
  }

  present(streams: readonly number[]): { first: number | undefined; messages: number; bytes: number } {
    const own = this.blocks.filter(({ head }) => streams.includes(head.stream)).map(({ head }) => head)
    const sum = (field: 'count' | 'length'): number => own.reduce((total, head) => total + head[field], 0)
    return { first: own[0]?.id, messages: sum('count'), bytes: sum('length') }
  }

  held(destination: string, route: string | undefined, limit: number): HeldRow[] {
    return this.heldRows
      .filter((row) => row.destination === destination && (route === undefined || row.route === route))
      .toSorted((a, b) => a.seq - b.seq || a.target - b.target)
      .slice(0, limit)
  }

  lastHeld(destination: string): number {
    return Math.max(0, ...this.heldRows.filter((row) => row.destination === destination).map(({ seq }) => seq))
  }

  isHeld(destination: string, seq: number, target: number): boolean {
    return this.heldRows.some((row) => row.destination === destination && row.seq === seq && row.target === target)
  }

  heldBefore(destination: string, sinceMs: number, limit: number): HeldRow[] {
    return this.heldRows
      .filter((row) => row.destination === destination && row.sinceRunningMs < sinceMs)
      .slice(0, limit)
  }

  oldestFrom(streams: readonly number[], seq: number): number | undefined {
    return this.blocks.find(({ head }) => streams.includes(head.stream) && head.last_seq >= seq)?.head.running_ms
  }

  heldRoutes(destination: string): { route: string; count: number }[] {
    const counts = new Map<string, number>()
    for (const row of this.heldRows)
      if (row.destination === destination) counts.set(row.route, (counts.get(row.route) ?? 0) + 1)
    return [...counts].map(([route, count]) => ({ route, count }))
  }
}

function record(plan: number, seq: number): RecordInput {
  return {
    plan,
    flags: 1,
    runningMs: 0,
    wallMs: 0,
    expiresMs: 0,
    clientId: 'device-1',
    topic: 'readings',
    headers: '',
    payload: Buffer.from(JSON.stringify({ n: seq })),
  }
}

function encode(seq: number, input: RecordInput): Buffer {
  const buffer = Buffer.alloc(recordBound(input))
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
  return buffer.subarray(0, encodeRecord(buffer, view, 0, seq, input))
}

/** A cursor that begins with `low`. */
export function cursorAt(destination: string, low: number, lane: Lane = 'live'): CursorRow {
  const counts = { settled: 0, settledBytes: 0, delivered: 0, expired: 0, dropped: 0, dead: 0 }
  return { destination, lane, low, ranges: [], ...counts }
}
