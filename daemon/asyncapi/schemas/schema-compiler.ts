import type { Ajv, Format, KeywordCxt, Options, ValidateFunction } from 'ajv'
import { messageOf } from '../../core/errors.ts'
import type { JsonSchema } from '../contract/contract.ts'
import { isRecord } from '../contract/json-pointer.ts'
import { allUnique, boundedFormats, compilePattern } from './bounded-keywords.ts'
import { CompiledSchema } from './compiled-schema.ts'
import { prepareSchema, STEP_KEYWORD } from './prepare-schema.ts'
import type { SchemaCost } from './schema-cost.ts'
import { schemaLibraries } from './schema-libraries.ts'
import { WorkBudget } from './work-budget.ts'

export type { CompiledSchema } from './compiled-schema.ts'

type Dialect = '07' | '2019' | '2020'

/**
 * Compiles the bundled schemas of one version of a document; it is dropped with the document. A schema that cannot be
 * compiled (too large, not a schema, or with a regular expression that RE2 does not support) becomes a check that accepts
 * everything and names its `problem`: strict mode refuses such a document, lenient mode lists the problem.
 */
export class SchemaCompiler {
  private readonly budget = new WorkBudget()
  /** Made for the first schema. */
  private formats: Map<string, Format> | undefined
  private formatNames: ReadonlySet<string> = new Set()
  private readonly instances = new Map<string, Ajv>()
  /** By dialect and text: channels share messages, so the same schema comes several times. */
  private readonly built = new Map<string, CompiledSchema>()

  /** Restores the budget. Call it before each payload and each topic. */
  refill(): void {
    this.budget.refill()
  }

  /** For payloads: no value is coerced. `schemaFormat` names the dialect when `$schema` does not. */
  compile(schema: JsonSchema, schemaFormat = ''): CompiledSchema {
    return this.build(schema, dialectOf(schema, schemaFormat), false)
  }

  /** For headers, whose values are texts: numbers and booleans are read from them, in a copy. */
  compileHeaders(schema: JsonSchema, schemaFormat = ''): CompiledSchema {
    const inner = this.build(schema, dialectOf(schema, schemaFormat), true)
    return inner.over((headers) => (isRecord(headers) ? { ...headers } : headers))
  }

  /** For one text, such as a topic level; the pointers of its violations begin with `/value`. */
  compileText(schema: JsonSchema): CompiledSchema {
    const given: Record<string, unknown> = typeof schema === 'boolean' ? { not: schema ? false : {} } : { ...schema }
    const { definitions, ...rest } = given
    const wrapped = { ...(definitions === undefined ? {} : { definitions }), properties: { value: rest } }
    return this.build(wrapped, dialectOf(schema, ''), true).over((value) => ({ value }))
  }

  private build(schema: JsonSchema, dialect: Dialect, coerce: boolean): CompiledSchema {
    const key = `${dialect} ${coerce} ${JSON.stringify(schema)}`
    const known = this.built.get(key)
    if (known !== undefined) return known
    const built = this.buildAnew(schema, dialect, coerce)
    this.built.set(key, built)
    return built
  }

  private buildAnew(schema: JsonSchema, dialect: Dialect, coerce: boolean): CompiledSchema {
    // ajv checks the schema against its meta-schema, which spends from the budget, too.
    this.budget.refill()
    try {
      refuseUnknownDialect(schema)
      if (this.formats === undefined) {
        this.formats = boundedFormats(this.budget)
        this.formatNames = new Set(this.formats.keys())
      }
      const prepared = prepareSchema(schema, this.formatNames)
      const validate: ValidateFunction = this.instance(dialect, coerce).compile(prepared.schema)
      return new CompiledSchema(validate, this.budget, { notes: prepared.notes })
    } catch (error) {
      return new CompiledSchema(() => true, this.budget, { notes: [], problem: messageOf(error).slice(0, 300) })
    }
  }

  private instance(dialect: Dialect, coerce: boolean): Ajv {
    const key = `${dialect}${coerce ? ' coerced' : ''}`
    const known = this.instances.get(key)
    if (known !== undefined) return known
    const made = this.create(dialect, coerce)
    this.instances.set(key, made)
    return made
  }

  private create(dialect: Dialect, coerce: boolean): Ajv {
    const { budget } = this
    const regExp = Object.assign((pattern: string) => compilePattern(pattern, budget), { code: 'compilePattern' })
    const options: Options = {
      strict: false,
      allErrors: false,
      ownProperties: true,
      coerceTypes: coerce,
      logger: false,
      validateFormats: true,
      // ajv's optimiser takes quadratic time and gains nothing: V8 optimises as well.
      code: { regExp, optimize: false },
    }
    const { ajv: ajv07, ajv2019, ajv2020 } = schemaLibraries()
    const { _ } = ajv07
    const Dialect = dialect === '2020' ? ajv2020.Ajv2020 : dialect === '2019' ? ajv2019.Ajv2019 : ajv07.Ajv
    const ajv = new Dialect(options)
    for (const [name, format] of this.formats ?? []) ajv.addFormat(name, format)
    ajv.removeKeyword('uniqueItems')
    ajv.addKeyword({
      keyword: 'uniqueItems',
      type: 'array',
      schemaType: 'boolean',
      validate: (unique: boolean, items: unknown[]) => !unique || allUnique(items, budget),
    })
    ajv.addKeyword({
      keyword: STEP_KEYWORD,
      schemaType: 'object',
      before: '$ref',
      code: ({ gen, data, schema }: KeywordCxt) => {
        const { fixed, walks } = schema as SchemaCost
        gen.code(_`${gen.scopeValue('keyword', { ref: budget })}.enter(${data}, ${fixed}, ${walks})`)
      },
    })
    return ajv
  }
}

/** Accepts the meta-schemas of JSON Schema, AsyncAPI and OpenAPI; keywords of other dialects could mean anything. */
function refuseUnknownDialect(schema: JsonSchema): void {
  const named = typeof schema === 'object' ? schema['$schema'] : undefined
  if (typeof named !== 'string' || /\b(?:json-schema\.org|asyncapi\.(?:com|org)|openapis\.org)\b/.test(named)) return
  throw new Error(`the dialect ${named.slice(0, 100)} is not known`)
}

function dialectOf(schema: JsonSchema, schemaFormat: string): Dialect {
  const named = typeof schema === 'object' && typeof schema['$schema'] === 'string' ? schema['$schema'] : schemaFormat
  if (named.includes('2020-12') || /openapi.*version=3\.1/.test(named)) return '2020'
  return named.includes('2019-09') ? '2019' : '07'
}
