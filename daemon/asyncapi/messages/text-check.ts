import type { JsonSchema } from '../contract/contract.ts'
import type { ValueCheck } from '../schemas/compiled-schema.ts'
import { scalarTypes } from '../schemas/scalar-types.ts'
import type { CompiledSchema, SchemaCompiler } from '../schemas/schema-compiler.ts'

/** Longer texts are not read as numbers. */
const LONGEST_NUMBER = 64
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/**
 * Compiles a JSON Schema for texts: a text is checked as a string, else as the number or boolean that it spells, if the
 * schema accepts one. Returns undefined for a schema of objects or lists, which a text can never be.
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
    // If the schema accepts no string at all, the violations of the number say more.
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
