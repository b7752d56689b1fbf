import type { Rejection } from '../broker/rejection-notices.ts'
import { isReservedTopic, topicFault, type TopicLimits } from '../broker/topic-rules.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { Headers } from '../core/message.ts'
import type { FeedMessage, FeedRejection } from '../ports/feed.ts'
import type { PublishInput, PublishOutcome } from '../ports/publication.ts'
import type { MessageLog } from '../store/log/message-log.ts'
import {
  FLAG_INVALID,
  FLAG_REPLAYED,
  FLAG_RETAIN,
  FLAG_SYNCED,
  QOS_SHIFT,
  recordFits,
  type RecordInput,
} from '../store/log/record.ts'
import type { RunningClock } from '../store/log/running-clock.ts'
import type { Statistics } from '../telemetry/statistics/statistics.ts'
import type { Tally } from '../telemetry/statistics/tally.ts'
import type { MessagePlan } from '../verdict/channel-plans.ts'
import type { ActiveChannel } from '../verdict/compiled-document.ts'
import { feedMessage } from '../verdict/feed-message.ts'
import type { InForce } from '../verdict/in-force.ts'
import type { Passed, RefusedMessage } from '../verdict/judgement.ts'
import type { Plan } from '../verdict/plan.ts'
import type { CallRecorder } from './call-recorder.ts'
import type { IngestCounts } from './ingest-counts.ts'
import type { RetainedTopics } from './retained-topics.ts'
import { headersText, storedHeaders } from './stored-headers.ts'
import { ObservedMessage, WaitingMessage } from './waiting-message.ts'

export interface IngestOptions {
  log: Pick<MessageLog, 'accepting' | 'append' | 'put' | 'barrier'>
  inForce: Pick<InForce, 'judge' | 'catalogue'>
  clock: RunningClock
  limits: TopicLimits
  counts: IngestCounts
  lastQuarantineId: number
  isFull: () => boolean
  /** Whether the store drops new messages while it is full. */
  mayDrop: () => boolean
  retained: RetainedTopics
  /** `<gateway id>:<store id>:`, the prefix of message ids. */
  messageIdPrefix: string
  announce: (clientId: string, rejection: Rejection) => void
  feed: IngestFeed
  calls: CallRecorder
  statistics: Pick<Statistics, 'accepted' | 'totals' | 'client' | 'sensor'>
}

const OWN_TOPIC = 'a topic that is allowed: this one belongs to the broker'

/** The live feed, as ingest sees it. */
export interface IngestFeed {
  /** Whether a reader is subscribed. Events are made only then. */
  readonly active: boolean
  message(make: () => FeedMessage): void
  rejected(make: () => FeedRejection): void
}

/** The path of every message in, from devices, sensors and the API: topic → channel → verdict → stored → receipt. */
export class Ingest {
  private readonly options: IngestOptions
  private lastQuarantineId: number

  constructor(options: IngestOptions) {
    this.options = options
    this.lastQuarantineId = options.lastQuarantineId
  }

  /** Calls back once the message is durable or refused, in the order of the calls; at once for what is dropped at QoS 0. Never throws. */
  publish(input: PublishInput, done: (outcome: PublishOutcome) => void, headers?: Headers): void {
    const { counts, isFull, limits } = this.options
    counts.arrived(input)
    if (!this.options.log.accepting) {
      counts.unavailable++
      return done('unavailable')
    }
    if (input.qos === 0 && isFull()) {
      counts.droppedWhileFull++
      // It waits for no commit: while the store is full there is none.
      return queueMicrotask(() => done('set-aside'))
    }
    const { judge } = this.options.inForce
    let known = judge.catalogue.recall(input.topic, input.trail)
    if (known?.admitted !== true) {
      const fault = topicFault(input.topic, limits)
      if (fault !== undefined)
        return this.turnAway(input, 'topic-invalid', `a topic that is allowed: this one ${fault}`, done)
      if (isReservedTopic(input.topic)) return this.turnAway(input, 'topic-reserved', OWN_TOPIC, done)
      known = judge.catalogue.lookUp(input.topic)
      known.admitted = true
    }
    if (input.retain && input.payload.length === 0) return this.deleteRetained(input, done)
    const judgement = judge.judgeKnown(known, input.payload, headers)
    if (judgement.verdict === 'refuse') this.quarantine(input, judgement, done, headers)
    else this.accept(input, judgement, done, headers)
  }

  /** Counts a judged message as received and stores it. Returns its sequence number as `accept` does. */
  submit(
    input: PublishInput,
    passed: Passed,
    done: (outcome: PublishOutcome) => void,
    headers: Headers | undefined,
  ): number | undefined {
    const { counts, log } = this.options
    counts.arrived(input)
    if (log.accepting) return this.accept(input, passed, done, headers)
    counts.unavailable++
    done('unavailable')
    return undefined
  }

  /** Stores a judged message. Returns its sequence number, or undefined where the store refused it at once. */
  accept(
    input: PublishInput,
    passed: Passed,
    done: (outcome: PublishOutcome) => void,
    headers: Headers | undefined,
  ): number | undefined {
    const { log, clock, counts, calls, feed } = this.options
    const runningMs = clock.runningMs()
    const { replayed } = input
    const flags =
      ((replayed?.isSynced ?? clock.synced) ? FLAG_SYNCED : 0) |
      (replayed === undefined ? 0 : FLAG_REPLAYED) |
      (input.retain ? FLAG_RETAIN : 0) |
      (input.qos << QOS_SHIFT) |
      (passed.invalid ? FLAG_INVALID : 0)
    const record = {
      plan: passed.id,
      flags,
      runningMs,
      wallMs: replayed?.receivedMs ?? clock.wallMs(),
      expiresMs: passed.ttlMs === 0 ? 0 : runningMs + passed.ttlMs,
      clientId: input.clientId,
      topic: input.topic,
      headers: storedHeaders(headers, passed, replayed?.at),
      payload: input.payload,
    }
    // Every check that can refuse stands before the first operation: refused means that nothing happened.
    if (!recordFits(record)) {
      this.turnAway(input, 'message-too-large', 'a topic, a client id and headers of at most 65,535 bytes each', done)
      return undefined
    }
    if (passed.wrongDirection && input.origin !== 'api') counts.wrongDirection++
    this.rememberPacket(input)
    if (input.retain) this.retain(input)
    const stored = new WaitingMessage(this.options, passed, this.sourceOf(input), input.payload.length, runningMs, done)
    // Events are made only while somebody watches, and notices of drops only where the policy drops.
    const isObserved = feed.active || this.options.mayDrop()
    const seq = isObserved
      ? this.appendObserved(input, passed, record, stored)
      : log.append(passed.stream, record, stored, passed.durability)
    if (seq !== undefined && calls.wants(input)) calls.accepted(record, passed, seq)
    return seq
  }

  /** Keeps the message until its commit, because live streams are subscribed or it may be dropped. */
  private appendObserved(
    input: PublishInput,
    { plan, stream, durability }: MessagePlan,
    record: RecordInput,
    message: WaitingMessage,
  ): number | undefined {
    const { log, feed, messageIdPrefix } = this.options
    const onStored = (): void => {
      if (seq !== undefined) feed.message(() => feedMessage(messageIdPrefix, seq, record, plan, record.wallMs))
    }
    const observed = new ObservedMessage(message, onStored, () => this.announceDrop(input, plan))
    const seq = log.append(stream, record, observed, durability)
    return seq
  }

  private announceDrop(input: PublishInput, { document, message }: Plan): void {
    const actual = 'the store is full, and its policy is drop-newest'
    const errors = [{ pointer: '', keyword: 'store', expected: 'room in the store', actual }]
    this.announce(input, null, { code: 'store-full', errors, document, message, channel: undefined })
  }

  /** Counts and records a refused message of the API. The caller gets the reasons, so it is not quarantined. */
  turnDown(input: PublishInput, refused: RefusedMessage, headers: Headers | undefined): void {
    this.options.counts.arrived(input)
    this.countRefused(input, refused.code, refused.channel)
    this.options.calls.refused({ payload: input.payload, wallMs: this.options.clock.wallMs() }, refused, headers)
  }

  private countRefused(input: PublishInput, code: ErrorCode, channel: ActiveChannel | undefined): void {
    const { counts, statistics } = this.options
    const bytes = input.payload.length
    counts.refused(code)
    statistics.totals.refused(code, bytes)
    channel?.tally.refused(code, bytes)
    this.sourceOf(input)?.refused(code, bytes)
  }

  private sourceOf({ origin, clientId }: PublishInput): Tally | undefined {
    if (origin === 'api') return undefined
    return origin === 'sensor' ? this.options.statistics.sensor(clientId) : this.options.statistics.client(clientId)
  }

  private quarantine(
    input: PublishInput,
    refused: RefusedMessage,
    done: (outcome: PublishOutcome) => void,
    headers: Headers | undefined,
  ): void {
    const { log, clock, counts, calls } = this.options
    const { code, errors, document, message, disconnect, channel } = refused
    this.countRefused(input, code, channel)
    this.rememberPacket(input)
    const id = ++this.lastQuarantineId
    const wallMs = clock.wallMs()
    const row = {
      id,
      topic: input.topic,
      clientId: input.clientId,
      payload: input.payload,
      headers: headersText(headers),
      qos: input.qos,
      code,
      errors: JSON.stringify(errors),
      document: document ?? '',
      message: message ?? '',
      wallMs,
      synced: clock.synced,
    }
    calls.refused(row, refused, headers)
    log.put({ type: 'quarantine', row }, (error) => {
      if (error !== null) return done('unavailable')
      counts.quarantined++
      this.announce(input, String(id), refused)
      done(disconnect ? 'disconnect' : 'set-aside')
    })
  }

  /** Acknowledges, counts and announces a message that cannot be stored under its topic; it is not quarantined. */
  private turnAway(
    input: PublishInput,
    code: ErrorCode,
    expected: string,
    done: (outcome: PublishOutcome) => void,
  ): void {
    this.countRefused(input, code, undefined)
    const actual = input.topic.length > 200 ? `${input.topic.slice(0, 200)}…` : input.topic
    const violation = { pointer: '', keyword: 'topic', expected, actual }
    const short = { ...input, topic: actual }
    this.rememberPacket(input)
    this.options.log.barrier(() => {
      this.announce(short, null, { code, errors: [violation], document: null, message: null, channel: undefined })
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

  /** In the commit of the message. One without bytes deletes what was retained [MQTT-3.3.1-10]. */
  private retain({ topic, payload, qos }: PublishInput): void {
    const { log, retained } = this.options
    if (payload.length === 0) {
      retained.remove(topic)
      log.put({ type: 'retain-delete', topic, withMessage: true })
    } else if (retained.admit(topic)) log.put({ type: 'retain', row: { topic, payload, qos }, withMessage: true })
  }

  private rememberPacket(input: PublishInput): void {
    if (input.qos === 2 && input.packetId !== undefined)
      this.options.log.put({ type: 'incoming', clientId: input.clientId, packetId: input.packetId })
  }

  private announce(
    { clientId, topic, packetId }: PublishInput,
    id: string | null,
    { code, errors, document, message, channel }: Omit<RefusedMessage, 'verdict' | 'disconnect'>,
  ): void {
    const { clock, feed, announce } = this.options
    const at = new Date(clock.wallMs()).toISOString()
    announce(clientId, { id, topic, packetId: packetId ?? null, code, errors, document, message, at })
    const channelIds = channel === undefined ? [] : [channel.id]
    if (feed.active) feed.rejected(() => ({ id, topic, clientId, code, errors, document, message, channelIds, at }))
  }
}
