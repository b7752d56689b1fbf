import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** The smallest piece that a disk writes whole. */
const SECTOR_BYTES = 512

export type DiskEvent =
  | { type: 'write'; file: string; at: number; bytes: Buffer }
  | { type: 'truncate'; file: string; length: number }
  | { type: 'create' | 'remove'; file: string }
  | { type: 'sync'; file: string }
  | { type: 'say'; text: string }

/** Arguments of strace for a recording. It holds the program's own output too, in order with its writes. */
export const RECORDING_ARGS = [
  '-f',
  '-y',
  '-xx',
  '-s',
  '200000',
  '-e',
  'trace=openat,pwrite64,write,ftruncate,fsync,fdatasync,unlink,rename',
]

/** Everything that changed files in `directory`, in the order in which the calls ended. */
export function readRecording(file: string, directory: string): DiskEvent[] {
  const events: DiskEvent[] = []
  const begun = new Map<string, string>()
  const seen = new Set<string>()
  for (const line of readFileSync(file, 'latin1').split('\n')) {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (text.endsWith(' <unfinished ...>')) {
      begun.set(thread, text.slice(0, -' <unfinished ...>'.length))
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)
    const event = parse(resumed === null ? text : `${begun.get(thread) ?? ''}${resumed[1] ?? ''}`, directory, seen)
    if (event !== undefined) events.push(event)
  }
  return events
}

function parse(call: string, directory: string, seen: Set<string>): DiskEvent | undefined {
  const result = / = (-?\d+)/.exec(call.slice(call.lastIndexOf(')')))
  if (result === null || Number(result[1]) < 0) return undefined
  const written = /^(pwrite64|write)\((\d+)<([^>]*)>, "([^"]*)"(?:\.\.\.)?, \d+(?:, (\d+))?\)/.exec(call)
  if (written !== null) {
    const [, , descriptor, name = '', data = '', at] = written
    const bytes = decode(data).subarray(0, Number(result[1]))
    if (descriptor === '1') return { type: 'say', text: bytes.toString() }
    const file = inside(decode(name).toString(), directory)
    return file === undefined || at === undefined ? undefined : { type: 'write', file, at: Number(at), bytes }
  }
  const onDescriptor = /^(fsync|fdatasync|ftruncate)\(\d+<([^>]*)>(?:, (\d+))?\)/.exec(call)
  if (onDescriptor !== null) {
    const file = inside(decode(onDescriptor[2] ?? '').toString(), directory)
    if (file === undefined) return undefined
    return onDescriptor[1] === 'ftruncate'
      ? { type: 'truncate', file, length: Number(onDescriptor[3]) }
      : { type: 'sync', file }
  }
  const onPath = /^(unlink|openat)\((?:AT_FDCWD(?:<[^>]*>)?, )?"([^"]*)"(.*)/.exec(call)
  const file = onPath === null ? undefined : inside(decode(onPath[2] ?? '').toString(), directory)
  if (onPath === null || file === undefined) return undefined
  if (onPath[1] === 'unlink') {
    seen.delete(file)
    return { type: 'remove', file }
  }
  if (seen.has(file) || !onPath[3]?.includes('O_CREAT')) return undefined
  seen.add(file)
  return { type: 'create', file }
}

/** strace prints all strings of a recording as `\x41`; names of descriptors it prints so only where they need it. */
function decode(text: string): Buffer {
  return text.includes('\\x') ? Buffer.from(text.replaceAll('\\x', ''), 'hex') : Buffer.from(text)
}

function inside(path: string, directory: string): string | undefined {
  const file = path.replace(/ \(deleted\)$/, '')
  if (file !== join(directory, basename(file))) return undefined
  // The shared memory of SQLite is no file to rely on, the lock holds nothing, and the ballast is only there.
  return /\.db(-wal|-journal)?$/.test(file) && !file.endsWith('lock.db') ? basename(file) : undefined
}

type Change = Extract<DiskEvent, { type: 'write' } | { type: 'truncate' }>

/** The content of a file, with room to grow. */
class Content {
  private buffer: Buffer
  private length: number

  constructor(from?: Content) {
    this.buffer = from === undefined ? Buffer.alloc(0) : Buffer.from(from.bytes())
    this.length = this.buffer.length
  }

  bytes(): Buffer {
    return this.buffer.subarray(0, this.length)
  }

  change(change: Change): void {
    if (change.type === 'truncate') return this.resize(change.length)
    this.resize(Math.max(this.length, change.at + change.bytes.length))
    change.bytes.copy(this.buffer, change.at)
  }

  private resize(length: number): void {
    if (length > this.buffer.length) {
      const larger = Buffer.alloc(length * 2)
      this.bytes().copy(larger)
      this.buffer = larger
    }
    if (length < this.length) this.buffer.fill(0, length, this.length)
    this.length = length
  }
}

/**
 * A disk that loses power. Files are created and removed in order, as a file system with a journal does it; of the writes to a file
 * since its last fsync each is there or not, and the last one is torn.
 */
export class CutDisk {
  private readonly files = new Map<string, { durable: Content; pending: Change[] }>()
  private readonly random: () => number

  constructor(random: () => number) {
    this.random = random
  }

  apply(event: DiskEvent): void {
    if (event.type === 'say') return
    if (event.type === 'remove') return void this.files.delete(event.file)
    const file = this.files.get(event.file) ?? { durable: new Content(), pending: [] }
    this.files.set(event.file, file)
    if (event.type === 'write' || event.type === 'truncate') file.pending.push(event)
    if (event.type === 'sync') for (const change of file.pending.splice(0)) file.durable.change(change)
  }

  /** Writes the files as they are when the power comes back. The recording can go on afterwards as if there had been no cut. */
  cut(directory: string): void {
    for (const [name, { durable, pending }] of this.files) {
      const content = new Content(durable)
      for (const [index, change] of pending.entries()) {
        if (index === pending.length - 1) content.change(this.torn(change))
        else if (this.random() < 0.5) content.change(change)
      }
      writeFileSync(join(directory, name), content.bytes())
    }
  }

  private torn(change: Change): Change {
    if (change.type === 'truncate') return change
    const sectors = Math.floor(this.random() * (change.bytes.length / SECTOR_BYTES + 1))
    return { ...change, bytes: change.bytes.subarray(0, sectors * SECTOR_BYTES) }
  }
}
