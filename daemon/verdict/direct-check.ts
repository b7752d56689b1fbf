import { Undecodable, type PayloadReader } from '../asyncapi/formats/payload-format.ts'
import type { MessageCheck } from '../asyncapi/messages/message-check.ts'
import type { ValueCheck } from '../asyncapi/schemas/compiled-schema.ts'
import type { SchemaCompiler } from '../asyncapi/schemas/schema-compiler.ts'
import type { MessagePlan } from './channel-plans.ts'
import type { Passed } from './judgement.ts'
import type { TopicMatch } from './topic-match.ts'

/**
 * The fast path of a topic that one message definition describes: check, verdict and plan in one object, for messages without
 * headers. Without it the bench's `channels` (10,000 channels) falls: each further object is a cache miss, which costs more than the check.
 */
export class DirectCheck implements Passed {
  readonly verdict = 'pass'
  admitted: boolean
  private readonly compiler: SchemaCompiler
  private readonly format: PayloadReader
  /** Undefined where every payload is valid. */
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

  /** Undefined where more than the payload decides: several channels, documents or messages. */
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

  /** Undefined where the payload is invalid; the full judgement gives the reasons. */
  judge(payload: Uint8Array): Passed | undefined {
    if (this.schema === undefined) return this
    this.compiler.refill()
    const value = this.format.decode(payload)
    return !(value instanceof Undecodable) && this.schema.check(value).length === 0 ? this : undefined
  }
}
