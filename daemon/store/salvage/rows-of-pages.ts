import { PAGE_BYTES } from '../connection.ts'
import { DATABASE_HEADER, type Pages } from './pages.ts'

/** https://sqlite.org/fileformat2.html#b_tree_pages */
const TABLE_LEAF = 0x0d
const LEAF_HEADER = 8
/** No page of ours has reserved bytes. */
const USABLE = PAGE_BYTES
const MAX_LOCAL = USABLE - 35
const MIN_LOCAL = Math.floor(((USABLE - 12) * 32) / 255) - 23
const INTEGER_BYTES = [0, 1, 2, 3, 4, 6, 8]

type Value = number | string | Buffer | null

/**
 * Yields rows of any table with these columns, the first of which is its whole-number key, from every page that looks like a leaf of a
 * table: where a page that leads to others is lost, SQLite finds none of them. Among them may be deleted rows and rows of other tables:
 * the caller must check whether they make sense.
 */
export function* rowsOfPages(pages: Pages, columns: readonly string[]): Generator<Record<string, unknown>> {
  for (let number = 1; number <= pages.count; number++) {
    const page = pages.read(number)
    const header = number === 1 ? DATABASE_HEADER : 0
    if (page[header] !== TABLE_LEAF) continue
    const cells = page.readUInt16BE(header + 3)
    for (let cell = 0; cell < cells; cell++) {
      const pointer = header + LEAF_HEADER + cell * 2
      if (pointer + 2 > PAGE_BYTES) break
      const row = readRow(pages, page, page.readUInt16BE(pointer), columns.length)
      if (row !== undefined) yield Object.fromEntries(columns.map((name, index) => [name, row[index]]))
    }
  }
}

function readRow(pages: Pages, page: Buffer, at: number, columns: number): Value[] | undefined {
  const size = readVarint(page, at)
  const key = readVarint(page, size.next)
  if (!(size.value <= pages.count * PAGE_BYTES) || !Number.isSafeInteger(key.value)) return undefined
  const record = readRecord(pages, page, key.next, size.value)
  if (record === undefined) return undefined
  const header = readVarint(record, 0)
  let types = header.next
  let body = header.value
  const values: Value[] = []
  while (types < header.value && values.length < columns) {
    const type = readVarint(record, types)
    const value = readValue(record, body, type.value)
    if (value === undefined) return undefined
    values.push(value.value)
    body = value.next
    types = type.next
  }
  if (values.length < columns || types !== header.value || body !== record.length) return undefined
  values[0] = key.value
  return values
}

/** Reads a record; one that is too long for its page goes on in a chain of overflow pages. */
function readRecord(pages: Pages, page: Buffer, at: number, size: number): Buffer | undefined {
  const wanted = MIN_LOCAL + ((size - MIN_LOCAL) % (USABLE - 4))
  const local = size <= MAX_LOCAL ? size : wanted <= MAX_LOCAL ? wanted : MIN_LOCAL
  if (at + local + (local < size ? 4 : 0) > PAGE_BYTES) return undefined
  const parts = [page.subarray(at, at + local)]
  let next = local < size ? page.readUInt32BE(at + local) : 0
  for (let left = size - local; left > 0; left -= USABLE - 4) {
    if (next < 1 || next > pages.count) return undefined
    const overflow = pages.read(next)
    parts.push(overflow.subarray(4, 4 + Math.min(left, USABLE - 4)))
    next = overflow.readUInt32BE(0)
  }
  return Buffer.concat(parts)
}

/** https://sqlite.org/fileformat2.html#record_format */
function readValue(record: Buffer, at: number, type: number): { value: Value; next: number } | undefined {
  const length = type >= 12 ? Math.floor((type - 12) / 2) : type === 7 ? 8 : (INTEGER_BYTES[type] ?? 0)
  const next = at + length
  if (!Number.isSafeInteger(type) || next > record.length || type === 10 || type === 11) return undefined
  if (type === 0) return { value: null, next }
  if (type === 7) return { value: record.readDoubleBE(at), next }
  if (type === 6) return { value: Number(record.readBigInt64BE(at)), next }
  if (type === 8 || type === 9) return { value: type - 8, next }
  if (type < 12) return { value: record.readIntBE(at, length), next }
  const bytes = record.subarray(at, next)
  return { value: type % 2 === 0 ? bytes : bytes.toString(), next }
}

/** Reads seven bits a byte, most significant first; a ninth byte counts whole. NaN behind the end. */
function readVarint(bytes: Buffer, at: number): { value: number; next: number } {
  let value = 0
  for (let index = 0; index < 8; index++) {
    const byte = bytes[at + index]
    if (byte === undefined) return { value: NaN, next: at + index }
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) return { value, next: at + index + 1 }
  }
  return { value: value * 256 + (bytes[at + 8] ?? 0), next: at + 9 }
}
