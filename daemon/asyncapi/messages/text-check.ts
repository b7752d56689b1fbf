import type { JsonSchema } from '../contract/contract.ts'
import type { CompiledSchema, SchemaCompiler } from '../schemas/schema-compiler.ts'
import { scalarTypes } from './scalar-types.ts'
import type { ValueCheck } from './value-check.ts'

/** Longer texts read as no number. */
const LONGEST_NUMBER = 64
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/**
 * Holds texts against a JSON Schema: as the string that they are, else as the number or boolean that they read as, where
 * the schema takes one. undefined where it describes objects or lists, which no text is.
 */
export function compileTextCheck(
  schema: JsonSchema,
  schemaFormat: string,
  compiler: SchemaCompiler,
): ValueCheck | undefined {
  const compiled = compiler.compile(schema, schemaFormat)
  if (typeof schema === 'boolean') return compiled
  const types = scalarTypes(schema)
  if (types.size === 0) return undefined
  return types.has('number') || types.has('boolean') ? new ScalarCheck(compiled) : compiled
}

class ScalarCheck implements ValueCheck {
  readonly problem: string | undefined
  readonly notes: readonly string[]
  private readonly schema: CompiledSchema

  constructor(schema: CompiledSchema) {
    this.schema = schema
    this.problem = schema.problem
    this.notes = schema.notes
  }

  check(value: unknown): ReturnType<ValueCheck['check']> {
    const asText = this.schema.check(value)
    if (asText.length === 0 || typeof value !== 'string') return asText
    const scalar = scalarIn(value)
    if (scalar === undefined) return asText
    const asScalar = this.schema.check(scalar)
    // Where no string is wanted at all, what is wrong with the number says more.
    const isNoString = asText.some(({ pointer, keyword }) => pointer === '' && keyword === 'type')
    return asScalar.length === 0 || isNoString ? asScalar : asText
  }
}

function scalarIn(text: string): number | boolean | undefined {
  if (text.length > LONGEST_NUMBER) return undefined
  const trimmed = text.trim()
  if (trimmed === 'true' || trimmed === 'false') return trimmed === 'true'
  const number = NUMBER.test(trimmed) ? Number(trimmed) : Number.NaN
  return Number.isFinite(number) ? number : undefined
}
