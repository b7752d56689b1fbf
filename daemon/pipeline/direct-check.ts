import { Undecodable, type PayloadReader } from '../asyncapi/payload-format.ts'
import type { SchemaCompiler } from '../asyncapi/schema-compiler.ts'
import type { ValueCheck } from '../asyncapi/value-check.ts'
import type { TopicMatch } from './catalogue.ts'
import type { Passed } from './judge.ts'

/**
 * The short way of a topic: all that is looked at for a message without headers stands together. Among ten thousand channels
 * every object that has to be found costs more than checking the payload.
 */
export class DirectCheck {
  private readonly compiler: SchemaCompiler
  private readonly format: PayloadReader
  /** undefined: any payload. */
  private readonly schema: ValueCheck | undefined
  private readonly passed: Passed

  private constructor(compiler: SchemaCompiler, format: PayloadReader, schema: ValueCheck | undefined, passed: Passed) {
    this.compiler = compiler
    this.format = format
    this.schema = schema
    this.passed = passed
  }

  /** undefined where more than the payload decides. */
  static of({ topic, matches }: TopicMatch): DirectCheck | undefined {
    const [match] = matches
    const active = match?.value
    if (active === undefined || matches.length > 1 || match?.values.length !== 1) return undefined
    const messages = active.check()
    const check = messages.only(active.action)
    if (check === undefined) return undefined
    return new DirectCheck(messages.compiler, check.format, check.payload, {
      verdict: 'pass',
      plan: active.plans.planFor(topic, check.message),
      wrongDirection: !active.receives,
      tagged: undefined,
    })
  }

  /** undefined where the payload is not valid: the long way tells why. */
  judge(payload: Uint8Array): Passed | undefined {
    if (this.schema === undefined) return this.passed
    this.compiler.refill()
    const value = this.format.decode(payload)
    return !(value instanceof Undecodable) && this.schema.check(value).length === 0 ? this.passed : undefined
  }
}
