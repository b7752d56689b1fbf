import type { Violation } from '../../core/message.ts'
import type { ContractParameter, JsonSchema } from '../contract/contract.ts'
import type { CompiledSchema, SchemaCompiler } from '../schemas/schema-compiler.ts'
import { isValidating } from '../schemas/schema-keywords.ts'
import { shortText } from '../schemas/violation.ts'

interface Rule {
  readonly index: number
  readonly name: string
  readonly allowed: ReadonlySet<string> | undefined
  readonly schema: JsonSchema | undefined
  readonly repeats: number | undefined
  compiled: CompiledSchema | undefined
}

/**
 * Checks the texts that a topic gives to the parameters of one address: `enum`, the schema of 2.x (its numbers and
 * booleans are read from the text), and that a parameter which stands twice has one value.
 */
export class ParameterCheck {
  private readonly rules: readonly Rule[]
  private readonly compiler: SchemaCompiler

  private constructor(rules: readonly Rule[], compiler: SchemaCompiler) {
    this.rules = rules
    this.compiler = compiler
  }

  /** undefined where every text fits. */
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

  /** The first parameter that does not fit; its pointer is `{name}`. */
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

/** `{type: string}` is what nearly every parameter says; checking it would cost without ever failing. */
function restricts(schema: JsonSchema | undefined): boolean {
  if (typeof schema !== 'object') return schema === false
  return Object.keys(schema).some((key) => isValidating(key) && !(key === 'type' && schema[key] === 'string'))
}
