import { parseDuration, parseSize } from '../../core/units.ts'
import { orReference } from './schema-scalars.ts'
import { reportInvalid, type Schema } from './schema.ts'

const SECOND_MS = 1000
const DAY_MS = 24 * 60 * 60 * SECOND_MS
const TIB = 1024 ** 4

/** A duration for a Node timer, which holds less than 2^31 ms, a little more than 24 days. */
export function timer(minMs: number): Schema<number> {
  return duration(minMs, 24 * DAY_MS)
}

export function duration(minMs: number, maxMs = 3650 * DAY_MS): Schema<number> {
  const bounds = `from ${showDuration(minMs)} to ${showDuration(maxMs)}`
  return {
    json: orReference({ type: 'string', pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d)$' }),
    read(node, field, context) {
      const value = node.kind === 'scalar' && typeof node.value === 'string' ? parseDuration(node.value) : undefined
      if (value === undefined)
        return reportInvalid(context, node, field, 'a duration such as 250ms, 15s, 10m, 24h or 7d')
      if (value < minMs || value > maxMs) return reportInvalid(context, node, field, `a duration ${bounds}`)
      return Math.round(value)
    },
  }
}

export function size(minBytes: number, maxBytes = 1024 * TIB): Schema<number> {
  const bounds = `from ${showSize(minBytes)} to ${showSize(maxBytes)}`
  return {
    json: orReference({ type: 'string', pattern: '^\\d+(\\.\\d+)?(B|KiB|MiB|GiB|TiB)$' }),
    read(node, field, context) {
      const value = node.kind === 'scalar' && typeof node.value === 'string' ? parseSize(node.value) : undefined
      if (value === undefined) return reportInvalid(context, node, field, 'a size such as 64KiB, 16MiB or 2GiB')
      if (value < minBytes || value > maxBytes) return reportInvalid(context, node, field, `a size ${bounds}`)
      return value
    },
  }
}

/** A number, or `none` for no limit, which becomes null. */
export function orNone(schema: Schema<number>): Schema<number | null> {
  return {
    json: { anyOf: [{ const: 'none' }, schema.json] },
    read(node, field, context) {
      if (node.kind === 'scalar' && node.value === 'none') return null
      return schema.read(node, field, context)
    },
  }
}

export function showDuration(ms: number): string {
  for (const [unit, factor] of [
    ['d', DAY_MS],
    ['h', 3600 * SECOND_MS],
    ['m', 60 * SECOND_MS],
    ['s', SECOND_MS],
  ] as const) {
    if (ms > 0 && ms % factor === 0) return `${ms / factor}${unit}`
  }
  return `${ms}ms`
}

export function showSize(bytes: number): string {
  for (const [unit, factor] of [
    ['TiB', TIB],
    ['GiB', 1024 ** 3],
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
  ] as const) {
    if (bytes > 0 && bytes % factor === 0) return `${bytes / factor}${unit}`
  }
  return `${bytes}B`
}
