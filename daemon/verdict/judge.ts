import type { ErrorCode } from '../core/errors.ts'
import type { Headers, Violation } from '../core/message.ts'
import type { Unmatched } from '../settings/settings.ts'
import type { Catalogue, KnownTopic } from './catalogue.ts'
import type { MessagePlan } from './channel-plans.ts'
import type { ActiveChannel } from './compiled-document.ts'
import { DirectCheck } from './direct-check.ts'
import type { Judgement, Passed, RefusedMessage } from './judgement.ts'
import type { PlanBook } from './plan-book.ts'
import { topicTest } from './route-fit.ts'
import { joinTargets, targetsOf, type RoutingSettings } from './targets.ts'
import type { TopicMatch } from './topic-match.ts'

const UNMATCHED: RefusedMessage = {
  verdict: 'refuse',
  code: 'topic-unmatched',
  errors: [{ pointer: '', keyword: 'channel', expected: 'a topic that a document describes', actual: 'none matches' }],
  document: null,
  message: null,
  disconnect: false,
  channel: undefined,
}

/** Topic → channel → verdict → plan. Stores nothing. */
export class Judge {
  readonly catalogue: Catalogue
  private readonly book: PlanBook
  private readonly unmatched: Unmatched
  private readonly settings: RoutingSettings
  private readonly routes: readonly ((topic: string) => boolean)[]
  /** Keyed by the routes that match the topic. */
  private readonly passedUnmatched = new Map<string, Passed>()

  constructor(catalogue: Catalogue, book: PlanBook, unmatched: Unmatched, settings: RoutingSettings) {
    this.catalogue = catalogue
    this.book = book
    this.unmatched = unmatched
    this.settings = settings
    this.routes = settings.routes.map((route) => topicTest(route.from))
  }

  /** @param message name of the message definition that the publisher claims */
  judge(topic: string, payload: Uint8Array, headers?: Headers, message?: string): Judgement {
    return this.judgeKnown(this.catalogue.lookUp(topic), payload, headers, message)
  }

  /** As `judge`, for a topic that is looked up already. */
  judgeKnown(known: KnownTopic, payload: Uint8Array, headers?: Headers, message?: string): Judgement {
    if (!(known instanceof DirectCheck)) {
      const judgement = this.judgeAtLength(known, payload, headers, message)
      const direct = judgement.verdict === 'pass' ? DirectCheck.of(known) : undefined
      if (direct !== undefined) this.catalogue.cacheDirectCheck(direct)
      return judgement
    }
    const passed = headers === undefined && message === undefined ? known.judge(payload) : undefined
    return passed ?? this.judgeAtLength(known.match, payload, headers, message)
  }

  private judgeAtLength(
    found: TopicMatch,
    payload: Uint8Array,
    headers: Headers | undefined,
    message: string | undefined,
  ): Judgement {
    const { topic } = found
    const only = found.matches[0]
    if (only === undefined) return this.judgeUnmatched(found)
    const first = judgeIn(only, topic, payload, headers, message)
    if (found.matches.length === 1 || first.verdict === 'refuse') return first
    let passed: Passed = first
    for (const match of found.matches.slice(1)) {
      const next = judgeIn(match, topic, payload, headers, undefined)
      if (next.verdict === 'refuse') return next
      passed = this.merge(passed, next)
    }
    return passed
  }

  /** Judges by the channel given, not by topic: for channels of upstreams, to which only the API publishes. */
  judgeOn(active: ActiveChannel, topic: string, payload: Uint8Array, headers?: Headers, message?: string): Judgement {
    return judgeAs(active, topic, payload, headers, message, () => ({}))
  }

  /** A message that several documents describe goes to the targets of all of them, to each once. */
  private merge(a: Passed, b: Passed): Passed {
    const [one, other] = [a.plan, b.plan]
    const invalid = a.invalid || b.invalid
    const numbered = this.book.number({
      ...one,
      channelIds: [...(one.channelIds ?? []), ...(other.channelIds ?? [])],
      targets: joinTargets(one, other),
      ...(invalid ? { invalid } : {}),
    })
    const [row, ...otherRows] = [...rowsOf(a), ...rowsOf(b)]
    const ttlMs = a.ttlMs === 0 || b.ttlMs === 0 ? 0 : Math.max(a.ttlMs, b.ttlMs)
    const durability = safer(a.durability, b.durability)
    const tagged =
      a.tagged === undefined && b.tagged === undefined ? undefined : [...(a.tagged ?? []), ...(b.tagged ?? [])]
    const wrongDirection = a.wrongDirection && b.wrongDirection
    return { verdict: 'pass', ...numbered, invalid, row, otherRows, ttlMs, durability, wrongDirection, tagged }
  }

  private judgeUnmatched(found: TopicMatch): Judgement {
    if (found.misfit !== undefined) {
      const { value, violation } = found.misfit
      return refuse(value, found.topic, { code: 'parameter-invalid', errors: [violation] })
    }
    if (this.unmatched === 'quarantine') return UNMATCHED
    return this.passUnmatched(found.topic)
  }

  private passUnmatched(topic: string): Passed {
    const { settings } = this
    const taken = this.unmatched === 'pass' ? this.routes.flatMap((takes, index) => (takes(topic) ? [index] : [])) : []
    const key = taken.join()
    const known = this.passedUnmatched.get(key)
    if (known !== undefined) return known
    const routes = settings.routes.filter((_route, index) => taken.includes(index))
    const plain = { topic: null, key: null }
    const targets = this.unmatched === 'pass' ? targetsOf({}, routes, settings, plain, null) : []
    const numbered = this.book.number({
      document: null,
      message: null,
      channel: null,
      contentType: null,
      lane: 'live',
      targets,
    })
    const passed: Passed = {
      verdict: 'pass',
      ...numbered,
      invalid: false,
      row: undefined,
      otherRows: [],
      ttlMs: 0,
      durability: undefined,
      wrongDirection: false,
      tagged: undefined,
    }
    this.passedUnmatched.set(key, passed)
    return passed
  }
}

function rowsOf({ row, otherRows }: MessagePlan): readonly number[] {
  return row === undefined ? otherRows : [row, ...otherRows]
}

/** The stricter of two durabilities. Undefined stands for the setting of the store, which may be either. */
function safer(a: MessagePlan['durability'], b: MessagePlan['durability']): MessagePlan['durability'] {
  return a === 'power' || b === 'power' ? 'power' : a === b ? a : undefined
}

function judgeIn(
  match: TopicMatch['matches'][number],
  topic: string,
  payload: Uint8Array,
  headers: Headers | undefined,
  message: string | undefined,
): Judgement {
  let misdirected: Judgement | undefined
  let refusal: Judgement | undefined
  for (const active of match.values) {
    const judgement = judgeAs(active, topic, payload, headers, message, () => match.parameters(active))
    const isValid = judgement.verdict === 'pass' && !judgement.invalid
    if (isValid && !judgement.wrongDirection) return judgement
    if (isValid) misdirected ??= judgement
    else refusal ??= judgement
  }
  return misdirected ?? refusal ?? UNMATCHED
}

function judgeAs(
  active: ActiveChannel,
  topic: string,
  payload: Uint8Array,
  headers: Headers | undefined,
  message: string | undefined,
  parameters: () => Record<string, string>,
): Judgement {
  const { action } = active
  const options = message === undefined ? ({ parameters, action } as const) : ({ parameters, action, message } as const)
  const verdict = active.check().validate(payload, headers, options)
  if (!verdict.ok) return refuse(active, topic, verdict)
  const plan = active.plans.planFor(topic, verdict.message)
  return { verdict: 'pass', ...plan, wrongDirection: !active.receives, tagged: undefined }
}

/** Says of a refused message why it was checked as one to devices. */
const MISDIRECTED: Violation = {
  pointer: '',
  keyword: 'direction',
  expected: 'a message from this gateway to devices: the document has it only send on this channel',
  actual: 'a message that was published to it',
}

function refuse(
  active: ActiveChannel,
  topic: string,
  verdict: { code: ErrorCode; errors: readonly Violation[]; message?: string },
): Judgement {
  const nearest = active.channel.messages.find((message) => message.name === verdict.message)
  const { onInvalid = 'quarantine' } = active.plans.bridgeOf(nearest)
  if (onInvalid === 'tag' || onInvalid === 'pass') {
    return {
      verdict: 'pass',
      ...active.plans.planForInvalid(topic, nearest),
      wrongDirection: !active.receives,
      tagged: onInvalid === 'tag' ? verdict.errors : undefined,
    }
  }
  const { code, message = null } = verdict
  const errors = active.receives ? verdict.errors : [...verdict.errors, MISDIRECTED]
  const disconnect = onInvalid === 'disconnect'
  return { verdict: 'refuse', code, errors, document: active.document, message, disconnect, channel: active }
}
