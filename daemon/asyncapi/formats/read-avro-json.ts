import { childOf, isRecord } from '../contract/json-pointer.ts'
import type { AvroType } from './avro-type.ts'
import { pointerTo, SchemaMismatch } from './schema-language.ts'

/**
 * `read`: takes Avro's JSON encoding, in which the value of a union is `{"branch": value}`, and unwraps the unions.
 * `write`: makes a value for avsc, with wrapped unions and bytes as buffers. A union without a named branch takes the
 * first branch that fits.
 */
export type AvroJsonUse = 'read' | 'write'

/** Throws SchemaMismatch. Recursion is as deep as the value, whose depth was bounded when it was parsed. */
export function readAvroJson(type: AvroType, value: unknown, use: AvroJsonUse, pointer = ''): unknown {
  switch (type.kind) {
    case 'null':
      if (value !== null) throw SchemaMismatch.type(pointer, 'null', value)
      return value
    case 'boolean':
      if (typeof value !== 'boolean') throw SchemaMismatch.type(pointer, 'boolean', value)
      return value
    case 'int':
    case 'long':
      return integer(type.kind, value, pointer)
    case 'float':
    case 'double':
      if (typeof value !== 'number') throw SchemaMismatch.type(pointer, type.kind, value)
      return value
    case 'string':
      if (typeof value !== 'string') throw SchemaMismatch.type(pointer, 'string', value)
      return value
    case 'bytes':
    case 'fixed':
      return bytes(type, value, use, pointer)
    case 'enum':
      if (typeof value === 'string' && type.symbols.includes(value)) return value
      throw SchemaMismatch.type(pointer, `one of ${type.symbols.join(', ')}`, value)
    case 'array':
      if (!Array.isArray(value)) throw SchemaMismatch.type(pointer, 'array', value)
      return value.map((item, index) => readItem(type, item, use, pointerTo(pointer, index)))
    case 'map':
      if (!isRecord(value)) throw SchemaMismatch.type(pointer, 'map', value)
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, readItem(type, item, use, pointerTo(pointer, key))]),
      )
    case 'union':
      return readUnion(type, value, use, pointer)
    default:
      return readRecord(type, value, use, pointer)
  }
}

function readItem(type: AvroType, value: unknown, use: AvroJsonUse, pointer: string): unknown {
  const items = type.items()
  if (items === undefined) throw new TypeError(`${type.kind} has no items`)
  return readAvroJson(items, value, use, pointer)
}

function integer(kind: 'int' | 'long', value: unknown, pointer: string): unknown {
  const limit = kind === 'int' ? 2 ** 31 : 2 ** 53
  if (typeof value === 'number' && Number.isInteger(value) && value >= -limit && value < limit) return value
  throw SchemaMismatch.type(pointer, kind, value)
}

function bytes(type: AvroType, value: unknown, use: AvroJsonUse, pointer: string): unknown {
  const isBytes = value instanceof Uint8Array && use === 'write'
  // eslint-disable-next-line no-control-regex
  const isText = typeof value === 'string' && !/[^\u0000-\u00ff]/.test(value)
  const length = isBytes || isText ? value.length : -1
  if (length === -1 || (type.kind === 'fixed' && length !== type.size)) {
    const size = type.kind === 'fixed' ? `${type.size} bytes` : 'bytes'
    throw SchemaMismatch.type(pointer, `${size} as text of ISO 8859-1`, value)
  }
  if (use === 'read' || typeof value !== 'string') return value
  return Buffer.from(value, 'latin1')
}

function readUnion(type: AvroType, value: unknown, use: AvroJsonUse, pointer: string): unknown {
  const branches = type.branches()
  const names = branches.map((one) => one.branch)
  if (value === null && names.includes('null')) return null
  const entries = isRecord(value) ? Object.entries(value) : []
  const [key, item] = entries[0] ?? ['', undefined]
  const named = entries.length === 1 ? branches.find((one) => one.branch === key && one.kind !== 'null') : undefined
  if (named !== undefined) {
    const found = readAvroJson(named, item, use, pointerTo(pointer, key))
    return use === 'read' ? found : { [named.branch]: found }
  }
  if (use === 'write') {
    for (const branch of branches) {
      try {
        return { [branch.branch]: readAvroJson(branch, value, use, pointer) }
      } catch (error) {
        if (!(error instanceof SchemaMismatch)) throw error
      }
    }
  }
  const wrapped = names.map((name) => (name === 'null' ? name : `{"${name}": …}`))
  throw new SchemaMismatch(pointer, 'union', wrapped.join(' or '), SchemaMismatch.type('', '', value).actual)
}

function readRecord(type: AvroType, value: unknown, use: AvroJsonUse, pointer: string): Record<string, unknown> {
  if (!isRecord(value)) throw SchemaMismatch.type(pointer, `record ${type.branch}`, value)
  return Object.fromEntries(
    type.fields().map((field) => {
      const given = childOf(value, field.name)
      if (given === undefined && field.hasDefault) return [field.name, field.defaultValue()]
      if (given === undefined) throw new SchemaMismatch(pointer, 'required', `property "${field.name}"`, 'none')
      return [field.name, readAvroJson(field.type, given, use, pointerTo(pointer, field.name))]
    }),
  )
}
