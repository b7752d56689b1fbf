import type { Op, PlanRow, StreamRow } from '../store/batch.ts'
import type { NumberedPlan, Plan } from './plan.ts'

/** Numbers plans and streams; what is new goes into the log before the first message that uses it. */
export class PlanBook {
  private readonly put: (op: Op) => void
  private readonly plans = new Map<string, number>()
  private readonly streams = new Map<string, number>()
  private readonly numbered = new Map<string, NumberedPlan>()
  private lastPlan = 0
  private lastStream = 0

  constructor(known: { plans: readonly PlanRow[]; streams: readonly StreamRow[] }, put: (op: Op) => void) {
    this.put = put
    for (const { id, body } of known.plans) {
      this.plans.set(body, id)
      this.lastPlan = Math.max(this.lastPlan, id)
    }
    for (const row of known.streams) {
      this.streams.set(streamKey(row), row.id)
      this.lastStream = Math.max(this.lastStream, row.id)
    }
  }

  number(plan: Plan): NumberedPlan {
    const body = JSON.stringify(plan)
    const known = this.numbered.get(body)
    if (known !== undefined) return known
    const numbered = { id: this.planId(body), stream: this.streamId(plan), plan }
    this.numbered.set(body, numbered)
    return numbered
  }

  private planId(body: string): number {
    const known = this.plans.get(body)
    if (known !== undefined) return known
    const id = ++this.lastPlan
    this.plans.set(body, id)
    this.put({ type: 'plan', row: { id, body } })
    return id
  }

  private streamId(plan: Plan): number {
    const destinations = [...new Set(plan.targets.map((target) => target.to))].sort()
    const key = streamKey({ lane: plan.lane, destinations })
    const known = this.streams.get(key)
    if (known !== undefined) return known
    const id = ++this.lastStream
    this.streams.set(key, id)
    this.put({ type: 'stream', row: { id, lane: plan.lane, destinations } })
    return id
  }
}

function streamKey(row: Pick<StreamRow, 'lane' | 'destinations'>): string {
  return `${row.lane} ${row.destinations.join(' ')}`
}
