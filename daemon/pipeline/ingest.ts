import type { Rejection } from '../broker/rejection-notices.ts'
import type { PublishInput, PublishOutcome } from '../broker/publish-port.ts'
import { topicFault, type TopicLimits } from '../broker/topic-rules.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { Headers, Violation } from '../core/message.ts'
import type { MessageLog } from '../store/message-log.ts'
import { FLAG_INVALID, FLAG_RETAIN, FLAG_SYNCED, QOS_SHIFT } from '../store/record.ts'
import type { RunningClock } from '../store/running-clock.ts'
import type { RetainedTopics } from './retained-topics.ts'
import type { IngestCounts } from './ingest-counts.ts'
import type { Judge, Passed, RefusedMessage } from './judge.ts'

export interface IngestOptions {
  log: MessageLog
  judge: Judge
  clock: RunningClock
  limits: TopicLimits
  counts: IngestCounts
  lastQuarantineId: number
  isFull: () => boolean
  retained: RetainedTopics
  announce: (clientId: string, rejection: Rejection) => void
}

/** Topic → channel → verdict → stored → receipt: the way of every message that comes from a device, a sensor or the API. */
export class Ingest {
  judge: Judge
  private readonly options: IngestOptions
  private lastQuarantineId: number

  constructor(options: IngestOptions) {
    this.options = options
    this.judge = options.judge
    this.lastQuarantineId = options.lastQuarantineId
  }

  /** Calls back once the message is durable or refused, in the order of the calls. Never throws. */
  publish(input: PublishInput, done: (outcome: PublishOutcome) => void, headers?: Headers): void {
    const { counts, isFull, limits } = this.options
    counts.received++
    counts.receivedBytes += input.payload.length
    if (!this.options.log.accepting) {
      counts.unavailable++
      return done('unavailable')
    }
    if (input.qos === 0 && isFull()) {
      counts.droppedWhileFull++
      this.options.log.barrier(() => done('set-aside'))
      return
    }
    const fault = topicFault(input.topic, limits)
    if (fault !== undefined) return this.turnAway(input, 'topic-invalid', fault, done)
    if (input.topic.startsWith('$')) return this.turnAway(input, 'topic-reserved', 'starts with $', done)
    if (input.retain && input.payload.length === 0) return this.deleteRetained(input, done)
    const judgement = this.judge.judge(input.topic, input.payload, headers)
    if (judgement.verdict === 'refuse') this.quarantine(input, judgement, done, headers)
    else this.store(input, judgement, done, headers)
  }

  private store(
    input: PublishInput,
    { plan, tagged, wrongDirection }: Passed,
    done: (outcome: PublishOutcome) => void,
    headers: Headers | undefined,
  ): void {
    const { log, clock, counts } = this.options
    if (wrongDirection) counts.wrongDirection++
    this.rememberPacket(input)
    if (input.retain && this.options.retained.admit(input.topic))
      log.put({ type: 'retain', row: { topic: input.topic, payload: input.payload, qos: input.qos } })
    const runningMs = clock.runningMs()
    const flags =
      (clock.synced ? FLAG_SYNCED : 0) |
      (input.retain ? FLAG_RETAIN : 0) |
      (input.qos << QOS_SHIFT) |
      (plan.numbered.plan.invalid === true ? FLAG_INVALID : 0)
    const record = {
      plan: plan.numbered.id,
      flags,
      runningMs,
      wallMs: clock.wallMs(),
      expiresMs: plan.ttlMs === 0 ? 0 : runningMs + plan.ttlMs,
      clientId: input.clientId,
      topic: input.topic,
      headers: headersText(headers, tagged),
      payload: input.payload,
    }
    log.append(plan.numbered.stream, record, (error) => {
      if (error === null) {
        counts.stored++
        done('deliver')
      } else {
        counts.unavailable++
        done('unavailable')
      }
    })
  }

  private quarantine(
    input: PublishInput,
    refused: RefusedMessage,
    done: (outcome: PublishOutcome) => void,
    headers: Headers | undefined,
  ): void {
    const { log, clock, counts } = this.options
    const { code, errors, document, message, disconnect } = refused
    counts.refused(code)
    this.rememberPacket(input)
    const id = ++this.lastQuarantineId
    const wallMs = clock.wallMs()
    const row = {
      id,
      topic: input.topic,
      clientId: input.clientId,
      payload: input.payload,
      headers: headersText(headers, undefined),
      qos: input.qos,
      code,
      errors: JSON.stringify(errors),
      document: document ?? '',
      message: message ?? '',
      wallMs,
    }
    log.put({ type: 'quarantine', row }, (error) => {
      if (error !== null) return done('unavailable')
      counts.quarantined++
      this.announce(input, String(id), code, errors, document, message)
      done(disconnect ? 'disconnect' : 'set-aside')
    })
  }

  /** What can never be a message is not kept: acknowledged, counted, announced. */
  private turnAway(input: PublishInput, code: ErrorCode, fault: string, done: (outcome: PublishOutcome) => void): void {
    this.options.counts.refused(code)
    const actual = input.topic.length > 200 ? `${input.topic.slice(0, 200)}…` : input.topic
    const violation = { pointer: '', keyword: 'topic', expected: `a topic that is allowed: this one ${fault}`, actual }
    const short = { ...input, topic: actual }
    this.rememberPacket(input)
    this.options.log.barrier(() => {
      this.announce(short, null, code, [violation], null, null)
      done('set-aside')
    })
  }

  private deleteRetained(input: PublishInput, done: (outcome: PublishOutcome) => void): void {
    this.rememberPacket(input)
    this.options.retained.remove(input.topic)
    this.options.log.put({ type: 'retain-delete', topic: input.topic }, (error) =>
      done(error === null ? 'deliver' : 'unavailable'),
    )
  }

  private rememberPacket(input: PublishInput): void {
    if (input.packetId !== undefined)
      this.options.log.put({ type: 'incoming', clientId: input.clientId, packetId: input.packetId })
  }

  private announce(
    input: PublishInput,
    id: string | null,
    code: ErrorCode,
    errors: readonly Violation[],
    document: string | null,
    message: string | null,
  ): void {
    const at = new Date(this.options.clock.wallMs()).toISOString()
    this.options.announce(input.clientId, {
      id,
      topic: input.topic,
      packetId: input.packetId ?? null,
      code,
      errors,
      document,
      message,
      at,
    })
  }
}

function headersText(headers: Headers | undefined, tagged: readonly Violation[] | undefined): string {
  if (headers === undefined && tagged === undefined) return ''
  return JSON.stringify(tagged === undefined ? headers : { ...headers, errors: JSON.stringify(tagged) })
}
