import { EdgeError } from '../../core/errors.ts'
import type { OutgoingAdapter, OutgoingMessage, Outcome } from '../../protocols/adapter.ts'
import { decodeRecord, type RecordView } from '../../store/log/record.ts'
import type { RunningClock } from '../../store/log/running-clock.ts'
import type { DeadLetterInput } from '../../store/tables/dead-letters.ts'
import { ALL_TARGETS, type HeldInput, type HeldRow, REPLAY_ROUTE } from '../../store/tables/held.ts'
import type { MessageFactory } from '../thread/message-factory.ts'
import { asEdgeError, type BatchSender, isRouteError, routeOf } from './batch-sender.ts'
import type { HeldRoutes } from './held-routes.ts'
import type { Entry } from './lane-queue.ts'
import { publishBatch } from './publish-batch.ts'

/** Outcome of one held delivery. */
export interface HeldResult {
  row: HeldRow
  /** The delivery leaves its route: delivered, buried, or held on another route. */
  isReleased: boolean
  isDelivered: boolean
  deadLetter: DeadLetterInput | undefined
  /** The route on which a replayed delivery waits from now on. */
  moved: HeldInput | undefined
}

export interface HeldSenderOptions {
  factory: Pick<MessageFactory, 'targets' | 'make' | 'messageId'>
  held: HeldRoutes
  sender: Pick<BatchSender, 'deadLetter' | 'countDelivered'>
  clock: Pick<RunningClock, 'runningMs'>
}

interface Attempt {
  row: HeldRow
  entry: Entry
  messages: { target: number; message: OutgoingMessage }[]
}

/** Sends held deliveries once more. A delivery that cannot be read or rendered becomes a dead letter; it ends nothing. */
export class HeldSender {
  private readonly options: HeldSenderOptions

  constructor(options: HeldSenderOptions) {
    this.options = options
  }

  /** Publishes the deliveries. The routes learn whether they are open. */
  async send(adapter: OutgoingAdapter, rows: readonly HeldRow[]): Promise<HeldResult[]> {
    const results: HeldResult[] = []
    const attempts: Attempt[] = []
    for (const row of rows) {
      const attempt = this.render(row)
      if ('messages' in attempt) attempts.push(attempt)
      else results.push(attempt)
    }
    const messages = attempts.flatMap((attempt) => attempt.messages.map(({ message }) => message))
    const outcomes = await publishBatch(adapter, messages)
    let at = 0
    for (const attempt of attempts) {
      results.push(this.settle(attempt, outcomes.slice(at, at + attempt.messages.length)))
      at += attempt.messages.length
    }
    return results
  }

  /** Buries deliveries that were held for too long. */
  expire(rows: readonly HeldRow[]): HeldResult[] {
    const { held } = this.options
    return rows.map((row) => {
      const why = held.errorOf(row.route)?.message ?? 'the route stayed closed'
      return this.buried(row, new EdgeError('held-too-long', why))
    })
  }

  private render(row: HeldRow): Attempt | HeldResult {
    const { factory } = this.options
    const entry = entryOf(row)
    if (entry === undefined)
      return this.buried(row, new EdgeError('store-failed', 'the record of this delivery fails its checksum'))
    try {
      const targets = row.target === ALL_TARGETS ? factory.targets(entry.record) : [row.target]
      const messages = targets
        .map((target) => ({ target, message: factory.make(entry.record, entry.origin, target, row.replayedMs) }))
        .filter(
          ({ message }) => row.target !== ALL_TARGETS || row.route === REPLAY_ROUTE || routeOf(message) === row.route,
        )
      if (messages.length === 0) throw new EdgeError('internal', `the message has no target with route ${row.route}`)
      return { row, entry, messages }
    } catch (error) {
      return this.buried(row, asEdgeError(error))
    }
  }

  private settle({ row, entry, messages }: Attempt, outcomes: readonly (Outcome | undefined)[]): HeldResult {
    const { held, sender } = this.options
    const kept = outcomes.find((outcome) => outcome?.status !== 'accepted' && outcome?.status !== 'rejected')
    if (kept !== undefined || outcomes.length < messages.length) {
      const error = kept?.status === 'kept' ? kept.error : undefined
      held.probed(row.route, false, error)
      const message = messages[0]?.message
      // One row for several targets stays together: a route would take only its own of them along.
      const isWhole = row.target === ALL_TARGETS
      if (row.route !== REPLAY_ROUTE || isWhole || message === undefined || error === undefined || !isRouteError(error))
        return { row, isReleased: false, isDelivered: false, deadLetter: undefined, moved: undefined }
      return { ...released(row), moved: this.move(row, message, error) }
    }
    const refused = outcomes.find((outcome) => outcome?.status === 'rejected')
    held.probed(row.route, true, undefined)
    if (refused?.status === 'rejected') {
      const address = messages[0]?.message.address ?? row.route
      return { ...released(row), deadLetter: sender.deadLetter(entry, row.target, address, refused.error) }
    }
    sender.countDelivered(entry)
    return { ...released(row), isDelivered: true }
  }

  /** A replayed delivery whose route is missing waits there, behind what waits already. */
  private move(row: HeldRow, message: OutgoingMessage, error: EdgeError): HeldInput {
    const route = routeOf(message)
    const sinceRunningMs = this.options.clock.runningMs()
    this.options.held.hold(route, error, sinceRunningMs)
    const { seq, target, epoch, boot, record, replayedMs } = row
    return { seq, target, route, epoch, boot, sinceRunningMs, record, replayedMs }
  }

  private buried(row: HeldRow, error: EdgeError): HeldResult {
    const { sender, factory } = this.options
    const entry = entryOf(row)
    const deadLetter =
      entry === undefined
        ? unreadableLetter(row, factory.messageId({ epoch: row.epoch, boot: row.boot }, row.seq), error)
        : sender.deadLetter(entry, row.target, row.route, error)
    return { ...released(row), deadLetter }
  }
}

function released(row: HeldRow): HeldResult {
  return { row, isReleased: true, isDelivered: false, deadLetter: undefined, moved: undefined }
}

function entryOf({ record: bytes, epoch, boot }: HeldRow): Entry | undefined {
  const record: RecordView | undefined = decodeRecord(bytes, 0, bytes.length)
  if (record === undefined) return undefined
  return { record, origin: { epoch, boot, closedMs: record.runningMs }, targets: undefined }
}

/** All that is known of a delivery whose record is damaged. */
function unreadableLetter(row: HeldRow, messageId: string, error: EdgeError): DeadLetterInput {
  const { seq, target, route, epoch, boot, record } = row
  const { code, message: answer } = error
  return {
    seq,
    target,
    messageId,
    topic: '',
    address: route,
    clientId: '',
    code,
    answer,
    epoch,
    boot,
    record,
    wallMs: 0,
  }
}
