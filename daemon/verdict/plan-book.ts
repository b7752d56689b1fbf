import type { Op } from '../store/log/batch.ts'
import type { PlanRow } from '../store/tables/plans.ts'
import type { StreamRow } from '../store/tables/streams.ts'
import type { NumberedPlan, Plan, PlanTarget } from './plan.ts'

/** Numbers plans and streams. A new one is written to the log before the first message that uses it. */
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

  /**
   * Adds targets to plans that are stored already, so that messages in the log reach new destinations. Must be called before any
   * plan is numbered under the settings that bring these destinations.
   *
   * @param targetsOf the targets to add to a plan
   * @returns undefined where no plan gets any
   */
  adopt(targetsOf: (plan: Plan) => PlanTarget[]): Op | undefined {
    const plans: PlanRow[] = []
    const streams = new Map<number, StreamRow>()
    // Iterates over a copy, because the map gets new entries meanwhile.
    for (const [body, id] of Array.from(this.plans)) {
      const plan = JSON.parse(body) as Plan
      const targets = targetsOf(plan)
      if (targets.length === 0) continue
      const stream = this.streams.get(streamKey(streamOf(plan)))
      if (stream === undefined) continue
      const row = { id, body: JSON.stringify({ ...plan, targets: [...plan.targets, ...targets] }) }
      plans.push(row)
      this.plans.delete(body)
      if (!this.plans.has(row.body)) this.plans.set(row.body, id)
      const { lane, destinations } = streams.get(stream) ?? streamOf(plan)
      const wider = [...new Set([...destinations, ...targets.map((target) => target.to)])].sort()
      streams.set(stream, { id: stream, lane, destinations: wider })
    }
    if (plans.length === 0) return undefined
    for (const [key, id] of this.streams) if (streams.has(id)) this.streams.delete(key)
    for (const row of streams.values()) if (!this.streams.has(streamKey(row))) this.streams.set(streamKey(row), row.id)
    this.numbered.clear()
    return { type: 'adopt', plans, streams: [...streams.values()] }
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
    const { lane, destinations } = streamOf(plan)
    const key = streamKey({ lane, destinations })
    const known = this.streams.get(key)
    if (known !== undefined) return known
    const id = ++this.lastStream
    this.streams.set(key, id)
    this.put({ type: 'stream', row: { id, lane, destinations } })
    return id
  }
}

function streamOf({ lane, targets }: Plan): Pick<StreamRow, 'lane' | 'destinations'> {
  return { lane, destinations: [...new Set(targets.map((target) => target.to))].sort() }
}

function streamKey(row: Pick<StreamRow, 'lane' | 'destinations'>): string {
  return `${row.lane} ${row.destinations.join(' ')}`
}
