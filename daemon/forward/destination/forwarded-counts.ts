import { LatencyHistogram } from '../../telemetry/statistics/latency-histogram.ts'
import type { ForwardedCount } from '../forwarder-messages.ts'

interface PlanCount {
  delivered: number
  deadLettered: number
  latency: LatencyHistogram
}

/** Counts of one destination, by plan, until they are drained. A message costs a comparison and an addition. */
export class ForwardedCounts {
  private readonly destination: string
  private readonly channelIdsOf: (plan: number) => readonly string[]
  private readonly byPlan = new Map<number, PlanCount>()
  private lastPlan = -1
  private last: PlanCount | undefined

  constructor(destination: string, channelIdsOf: (plan: number) => readonly string[]) {
    this.destination = destination
    this.channelIdsOf = channelIdsOf
  }

  delivered(plan: number, latencyMs: number): void {
    const count = this.countOf(plan)
    count.delivered++
    count.latency.add(latencyMs)
  }

  deadLettered(plan: number): void {
    this.countOf(plan).deadLettered++
  }

  /** The counts since the last call. */
  drain(): ForwardedCount[] {
    const counts = [...this.byPlan].map(([plan, { delivered, deadLettered, latency }]) => ({
      destination: this.destination,
      channelIds: this.channelIdsOf(plan),
      delivered,
      deadLettered,
      latency: latency.toJson(),
    }))
    this.byPlan.clear()
    this.lastPlan = -1
    return counts
  }

  private countOf(plan: number): PlanCount {
    if (plan === this.lastPlan && this.last !== undefined) return this.last
    let count = this.byPlan.get(plan)
    if (count === undefined)
      this.byPlan.set(plan, (count = { delivered: 0, deadLettered: 0, latency: new LatencyHistogram() }))
    this.lastPlan = plan
    this.last = count
    return count
  }
}
