import { type Logger, silentLogger } from '../../daemon/core/logger.ts'
import { FakeTime } from '../../daemon/core/timers.ts'
import { BatchSender } from '../../daemon/forward/destination/batch-sender.ts'
import { DestinationLoop } from '../../daemon/forward/destination/destination-loop.ts'
import type { DestinationPolicy } from '../../daemon/forward/destination/destination-policy.ts'
import { ForwardedCounts } from '../../daemon/forward/destination/forwarded-counts.ts'
import { HeldRoutes } from '../../daemon/forward/destination/held-routes.ts'
import { HeldSender } from '../../daemon/forward/destination/held-sender.ts'
import { LaneQueue } from '../../daemon/forward/destination/lane-queue.ts'
import type { DestinationStatus } from '../../daemon/forward/forwarder-messages.ts'
import { MessageFactory } from '../../daemon/forward/thread/message-factory.ts'
import type { OutgoingAdapter } from '../../daemon/protocols/adapter.ts'
import { RunningClock } from '../../daemon/store/log/running-clock.ts'
import { FakeAdapter } from './fake-adapter.ts'
import { cursorAt, FakeLog } from './fake-log.ts'
import { FakeReporter } from './fake-reporter.ts'

export const NAME = 'cloud'

export const POLICY: DestinationPolicy = {
  maxBatchBytes: 256 * 1024,
  lingerMs: 0,
  holdForMs: 24 * 3_600_000,
  retry: { minMs: 100, maxMs: 1_000 },
  maxAgeMs: null,
  required: true,
  maxBacklogBytes: null,
}

/** A running clock that began with `time`. */
export function runningClock(time: FakeTime): RunningClock {
  return new RunningClock(time, { runningMs: 0, monotonicMs: 0, wallMs: time.wallMs(), synced: true }, true, true)
}

/** One destination with its loop, on a fake log, adapter, writer and time. `log` has a stream for it, number 1. */
export class FakeDestination {
  readonly time = new FakeTime()
  readonly clock = runningClock(this.time)
  readonly log: FakeLog
  readonly adapter = new FakeAdapter()
  readonly reporter: FakeReporter
  readonly counts: ForwardedCounts
  readonly held: HeldRoutes
  readonly sender: BatchSender
  readonly heldSender: HeldSender
  readonly lanes: LaneQueue[]
  readonly loop: DestinationLoop
  /** Times of all attempts to connect. */
  readonly attemptsMs: number[] = []
  /** Thrown by the next attempts to connect, if there is any. */
  connectError: Error | undefined

  constructor(policy: Partial<DestinationPolicy> = {}, log = newLog(), logger: Logger = silentLogger) {
    const all = { ...POLICY, ...policy }
    this.log = log
    this.reporter = new FakeReporter(log)
    const factory = new MessageFactory(NAME, log)
    this.counts = new ForwardedCounts(NAME, (plan) => factory.channelIds(plan))
    this.held = new HeldRoutes(NAME, log)
    const { clock, held, counts } = this
    this.sender = new BatchSender({ factory, held, clock, maxAgeMs: all.maxAgeMs, counts })
    this.heldSender = new HeldSender({ factory, held, sender: this.sender, clock })
    this.lanes = (['alarm', 'live', 'bulk'] as const).map((lane) => {
      const known = log.cursorRows.find((row) => row.destination === NAME && row.lane === lane)
      const isWanted = (id: number): boolean =>
        log.streamRows.some((row) => row.id === id && row.lane === lane && row.destinations.includes(NAME))
      const cursor = known === undefined ? cursorAt(NAME, 1, lane) : { ...known }
      return new LaneQueue(log, isWanted, cursor, (record) => factory.targets(record).length)
    })
    this.loop = new DestinationLoop({
      name: NAME,
      protocol: 'fake',
      connect: () => this.connect(),
      lanes: this.lanes,
      held,
      sender: this.sender,
      heldSender: this.heldSender,
      reporter: this.reporter,
      policy: all,
      clock,
      timers: this.time,
      logger,
      random: () => 1,
    })
  }

  start(): void {
    this.loop.start()
  }

  /** Commits a message for each topic, and wakes the loop. */
  append(...topics: string[]): number[] {
    const seqs = this.log.append(1, topics, { runningMs: this.clock.runningMs() })
    this.loop.wake()
    return seqs
  }

  get status(): DestinationStatus {
    return this.loop.status({ messages: 0, bytes: 0, oldestRunningMs: undefined })
  }

  private connect(): Promise<OutgoingAdapter> {
    this.attemptsMs.push(this.time.monotonicMs())
    return this.connectError === undefined ? Promise.resolve(this.adapter) : Promise.reject(this.connectError)
  }
}

export function newLog(): FakeLog {
  const log = new FakeLog()
  log.addStream([NAME])
  return log
}
