import { Undecodable, type PayloadReader } from '../asyncapi/formats/payload-format.ts'
import type { MessageCheck } from '../asyncapi/messages/message-check.ts'
import type { ValueCheck } from '../asyncapi/schemas/compiled-schema.ts'
import type { SchemaCompiler } from '../asyncapi/schemas/schema-compiler.ts'
import type { MessagePlan } from './channel-plans.ts'
import type { Passed } from './judgement.ts'
import type { TopicMatch } from './topic-match.ts'

/**
 * The short way of a topic: all that is looked at for a message without headers stands in one object, which is also the verdict.
 * Among ten thousand channels every other object that has to be found costs more than checking the payload.
 */
export class DirectCheck implements Passed {
  readonly verdict = 'pass'
  admitted: boolean
  private readonly compiler: SchemaCompiler
  private readonly format: PayloadReader
  /** undefined: any payload. */
  private readonly schema: ValueCheck | undefined
  readonly wrongDirection: boolean
  readonly tagged = undefined
  readonly id: number
  readonly stream: number
  readonly invalid: boolean
  readonly ttlMs: number
  readonly row: number | undefined
  readonly otherRows: readonly number[]
  readonly durability: MessagePlan['durability']
  readonly plan: MessagePlan['plan']
  readonly match: TopicMatch

  private constructor(
    match: TopicMatch,
    compiler: SchemaCompiler,
    { format, payload }: MessageCheck,
    plan: MessagePlan,
    wrongDirection: boolean,
  ) {
    this.admitted = match.admitted
    this.compiler = compiler
    this.format = format
    this.schema = payload
    this.wrongDirection = wrongDirection
    this.id = plan.id
    this.stream = plan.stream
    this.invalid = plan.invalid
    this.ttlMs = plan.ttlMs
    this.row = plan.row
    this.otherRows = plan.otherRows
    this.durability = plan.durability
    this.plan = plan.plan
    this.match = match
  }

  /** undefined where more than the payload decides. */
  static of(found: TopicMatch): DirectCheck | undefined {
    const [match] = found.matches
    const active = match?.value
    if (active === undefined || found.matches.length > 1 || match?.values.length !== 1) return undefined
    const messages = active.check()
    const check = messages.only(active.action)
    if (check === undefined) return undefined
    const plan = active.plans.planFor(found.topic, check.message)
    return new DirectCheck(found, messages.compiler, check, plan, !active.receives)
  }

  /** undefined where the payload is not valid: the long way tells why. */
  judge(payload: Uint8Array): Passed | undefined {
    if (this.schema === undefined) return this
    this.compiler.refill()
    const value = this.format.decode(payload)
    return !(value instanceof Undecodable) && this.schema.check(value).length === 0 ? this : undefined
  }
}
