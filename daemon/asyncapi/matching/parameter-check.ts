import type { Violation } from '../../core/message.ts'
import type { ContractParameter, JsonSchema } from '../contract/contract.ts'
import { isValidating } from '../schemas/json-schema.ts'
import type { CompiledSchema, SchemaCompiler } from '../schemas/schema-compiler.ts'
import { shortText } from '../schemas/violation.ts'

/** One parameter of the address, at `index`, that not every text fits. */
interface Rule {
  readonly index: number
  readonly name: string
  readonly allowed: ReadonlySet<string> | undefined
  readonly schema: JsonSchema | undefined
  /** Index of the first parameter of the same name. */
  readonly repeats: number | undefined
  /** Compiled on first use. */
  compiled: CompiledSchema | undefined
}

/**
 * Checks the texts that a topic has at the parameters of one address: by `enum`, by the schema of a 2.x parameter (numbers
 * and booleans are read from the text), and that a repeated parameter has the same text each time.
 */
export class ParameterCheck {
  private readonly rules: readonly Rule[]
  private readonly compiler: SchemaCompiler

  private constructor(rules: readonly Rule[], compiler: SchemaCompiler) {
    this.rules = rules
    this.compiler = compiler
  }

  /** Returns undefined if every text fits. */
  static of(
    names: readonly string[],
    parameters: readonly ContractParameter[],
    compiler: SchemaCompiler,
  ): ParameterCheck | undefined {
    const rules: Rule[] = []
    names.forEach((name, index) => {
      const parameter = parameters.find((one) => one.name === name)
      const allowed = parameter?.enum === undefined ? undefined : new Set(parameter.enum)
      const schema = restricts(parameter?.schema) ? parameter?.schema : undefined
      const before = names.indexOf(name)
      const repeats = before < index ? before : undefined
      if (allowed === undefined && schema === undefined && repeats === undefined) return
      rules.push({ index, name, allowed, schema, repeats, compiled: undefined })
    })
    return rules.length === 0 ? undefined : new ParameterCheck(rules, compiler)
  }

  /** Returns the first parameter that does not fit; its pointer has the form `{name}`. */
  violation(texts: readonly string[]): Violation | undefined {
    this.compiler.refill()
    for (const rule of this.rules) {
      const text = texts[rule.index] ?? ''
      const actual = shortText(text)
      const pointer = `{${rule.name}}`
      if (rule.repeats !== undefined && texts[rule.repeats] !== text) {
        return { pointer, keyword: 'const', expected: shortText(texts[rule.repeats]), actual }
      }
      if (rule.allowed !== undefined && !rule.allowed.has(text)) {
        return { pointer, keyword: 'enum', expected: shortText([...rule.allowed].join(', ')), actual }
      }
      if (rule.schema === undefined) continue
      rule.compiled ??= this.compiler.compileText(rule.schema)
      const [error] = rule.compiled.check(text)
      if (error !== undefined) return { ...error, pointer, actual }
    }
    return undefined
  }
}

/** False for `{type: string}`, which nearly every parameter has: its check would take time and never fail. */
function restricts(schema: JsonSchema | undefined): boolean {
  if (typeof schema !== 'object') return schema === false
  return Object.keys(schema).some((key) => isValidating(key) && !(key === 'type' && schema[key] === 'string'))
}
