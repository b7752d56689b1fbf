import type { Enum, Field, Type } from 'protobufjs'
import { isRecord } from '../contract/json-pointer.ts'
import { pointerTo, SchemaMismatch } from './schema-language.ts'

const INTEGERS: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  sfixed32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  sint64: [-(2n ** 63n), 2n ** 63n - 1n],
  sfixed64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
}
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/

/**
 * Reads Protobuf's JSON mapping into the object that protobufjs encodes, with the field names of the .proto text. Accepts
 * a field by that name and by its JSON name, which `toCamelCase` gives. Throws SchemaMismatch.
 */
export function readProtobufJson(
  type: Type,
  value: unknown,
  toCamelCase: (name: string) => string,
  pointer = '',
): Record<string, unknown> {
  if (!isRecord(value)) throw SchemaMismatch.type(pointer, `message ${type.name}`, value)
  const fields = new Map(
    type.fieldsArray.flatMap((field) => [
      [toCamelCase(field.name), field],
      [field.name, field],
    ]),
  )
  const read: [string, unknown][] = []
  for (const [name, item] of Object.entries(value)) {
    const at = pointerTo(pointer, name)
    const field = fields.get(name)
    if (field === undefined) throw new SchemaMismatch(at, 'additionalProperties', `a field of ${type.name}`, name)
    if (item !== null) read.push([field.name, readField(field.resolve(), item, toCamelCase, at)])
  }
  const given = new Set(read.map(([name]) => name))
  const missing = type.fieldsArray.find((field) => field.required && !given.has(field.name))
  if (missing !== undefined) throw new SchemaMismatch(pointer, 'required', `property "${missing.name}"`, 'none')
  return Object.fromEntries(read)
}

function readField(field: Field, value: unknown, toCamelCase: (name: string) => string, pointer: string): unknown {
  const one = (item: unknown, at: string): unknown => readOne(field, item, toCamelCase, at)
  if (field.map) {
    if (!isRecord(value)) throw SchemaMismatch.type(pointer, 'map', value)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        const at = pointerTo(pointer, key)
        checkKey('keyType' in field ? String(field.keyType) : 'string', key, at)
        return [key, one(item, at)]
      }),
    )
  }
  if (!field.repeated) return one(value, pointer)
  if (!Array.isArray(value)) throw SchemaMismatch.type(pointer, 'array', value)
  return value.map((item, index) => one(item, pointerTo(pointer, index)))
}

function checkKey(keyType: string, key: string, pointer: string): void {
  const isBoolean = keyType === 'bool' && (key === 'true' || key === 'false')
  if (keyType === 'string' || isBoolean) return
  readInteger(keyType, key, pointer)
}

function readOne(field: Field, value: unknown, toCamelCase: (name: string) => string, pointer: string): unknown {
  const resolved = field.resolvedType
  if (resolved !== null) {
    if ('values' in resolved) return readEnum(resolved, value, pointer)
    return readProtobufJson(resolved, value, toCamelCase, pointer)
  }
  const { type } = field
  if (type === 'bool') {
    if (typeof value !== 'boolean') throw SchemaMismatch.type(pointer, type, value)
    return value
  }
  if (type === 'string') {
    if (typeof value !== 'string') throw SchemaMismatch.type(pointer, type, value)
    return value
  }
  if (type === 'bytes') {
    if (value instanceof Uint8Array) return value
    if (typeof value !== 'string' || !BASE64.test(value)) throw SchemaMismatch.type(pointer, 'bytes in base64', value)
    return Buffer.from(value, 'base64')
  }
  if (type === 'float' || type === 'double') {
    const isNamed = value === 'NaN' || value === 'Infinity' || value === '-Infinity'
    if (typeof value !== 'number' && !isNamed) throw SchemaMismatch.type(pointer, type, value)
    return Number(value)
  }
  return readInteger(type, value, pointer)
}

function readEnum(type: Enum, value: unknown, pointer: string): unknown {
  if (typeof value === 'string' && Object.hasOwn(type.values, value)) return type.values[value]
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31) return value
  throw SchemaMismatch.type(pointer, `one of ${Object.keys(type.values).join(', ')}`, value)
}

/** Integers may be texts in JSON; above 2^53 they have to be, to keep their value. */
function readInteger(type: string, value: unknown, pointer: string): unknown {
  const [lowest, highest] = INTEGERS[type] ?? [0n, 0n]
  const isText = typeof value === 'string' && /^-?\d{1,20}$/.test(value)
  if (!isText && !(typeof value === 'number' && Number.isInteger(value))) {
    throw SchemaMismatch.type(pointer, type, value)
  }
  const exact = BigInt(value)
  if (exact < lowest || exact > highest) throw SchemaMismatch.type(pointer, type, value)
  return type.endsWith('64') ? String(exact) : Number(exact)
}
