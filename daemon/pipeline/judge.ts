import type { ErrorCode } from '../core/errors.ts'
import type { Headers, Violation } from '../core/message.ts'
import type { Unmatched } from '../settings/settings.ts'
import type { ActiveChannel, Catalogue, TopicMatch } from './catalogue.ts'
import type { MessagePlan } from './channel-plans.ts'
import type { PlanBook } from './plan-book.ts'

/** Passes as it is, or passes marked invalid, because its document says so. */
export interface Passed {
  verdict: 'pass'
  plan: MessagePlan
  /** A device publishes where only we should. */
  wrongDirection: boolean
  /** Errors of an invalid message that goes on with `onInvalid: tag`. */
  tagged: readonly Violation[] | undefined
}

export interface RefusedMessage {
  verdict: 'refuse'
  code: ErrorCode
  errors: readonly Violation[]
  document: string | null
  message: string | null
  disconnect: boolean
}

export type Judgement = Passed | RefusedMessage

const NOT_LISTED: Violation[] = [
  { pointer: '', keyword: 'channel', expected: 'a topic that a document describes', actual: 'none matches' },
]

/** Topic → channel → verdict → plan. Stores nothing. */
export class Judge {
  catalogue: Catalogue
  private readonly book: PlanBook
  private readonly unmatched: Unmatched
  private readonly upstreams: readonly string[]

  constructor(catalogue: Catalogue, book: PlanBook, unmatched: Unmatched, upstreams: readonly string[]) {
    this.catalogue = catalogue
    this.book = book
    this.unmatched = unmatched
    this.upstreams = upstreams
  }

  judge(topic: string, payload: Uint8Array, headers?: Headers): Judgement {
    const found = this.catalogue.find(topic)
    const [only, ...others] = found.matches
    if (only === undefined) return this.judgeUnmatched(found)
    const first = judgeIn(only, topic, payload, headers)
    if (others.length === 0 || first.verdict === 'refuse') return first
    let passed: Passed = first
    for (const match of others) {
      const next = judgeIn(match, topic, payload, headers)
      if (next.verdict === 'refuse') return next
      passed = this.merge(passed, next)
    }
    return passed
  }

  /** A message of several documents goes wherever one of them sends it, once. */
  private merge(a: Passed, b: Passed): Passed {
    const known = new Set(a.plan.numbered.plan.targets.map((target) => JSON.stringify(target)))
    const added = b.plan.numbered.plan.targets.filter((target) => !known.has(JSON.stringify(target)))
    if (added.length === 0) return a
    const numbered = this.book.number({ ...a.plan.numbered.plan, targets: [...a.plan.numbered.plan.targets, ...added] })
    return { ...a, plan: { numbered, ttlMs: a.plan.ttlMs }, wrongDirection: a.wrongDirection && b.wrongDirection }
  }

  private judgeUnmatched(found: TopicMatch): Judgement {
    if (found.misfit !== undefined) {
      const { value, violation } = found.misfit
      return {
        verdict: 'refuse',
        code: 'parameter-invalid',
        errors: [violation],
        document: value.document,
        message: null,
        disconnect: false,
      }
    }
    if (this.unmatched === 'quarantine')
      return {
        verdict: 'refuse',
        code: 'topic-unmatched',
        errors: NOT_LISTED,
        document: null,
        message: null,
        disconnect: false,
      }
    const names = this.unmatched === 'pass' ? this.upstreams : []
    const targets = names.map((to) => ({ to, address: null, key: null }))
    const numbered = this.book.number({
      document: null,
      message: null,
      channel: null,
      contentType: null,
      lane: 'live',
      targets,
    })
    return { verdict: 'pass', plan: { numbered, ttlMs: 0 }, wrongDirection: false, tagged: undefined }
  }
}

function judgeIn(
  match: TopicMatch['matches'][number],
  topic: string,
  payload: Uint8Array,
  headers: Headers | undefined,
): Judgement {
  let refusal: Judgement | undefined
  for (const active of match.values) {
    const verdict = active.validator.validate(active.channel, payload, headers, {
      parameters: () => match.parameters(active),
      action: active.receives ? 'receive' : 'send',
    })
    if (verdict.ok)
      return {
        verdict: 'pass',
        plan: active.plans.planFor(topic, verdict.message),
        wrongDirection: !active.receives,
        tagged: undefined,
      }
    refusal ??= refuse(active, topic, verdict)
  }
  return (
    refusal ?? {
      verdict: 'refuse',
      code: 'topic-unmatched',
      errors: NOT_LISTED,
      document: null,
      message: null,
      disconnect: false,
    }
  )
}

function refuse(
  active: ActiveChannel,
  topic: string,
  verdict: { code: ErrorCode; errors: readonly Violation[]; message?: string },
): Judgement {
  const { onInvalid = 'quarantine' } = active.plans.bridge
  if (onInvalid === 'tag' || onInvalid === 'pass') {
    return {
      verdict: 'pass',
      plan: active.plans.planFor(topic, undefined),
      wrongDirection: !active.receives,
      tagged: onInvalid === 'tag' ? verdict.errors : undefined,
    }
  }
  const { code, errors, message = null } = verdict
  return { verdict: 'refuse', code, errors, document: active.document, message, disconnect: onInvalid === 'disconnect' }
}
