import type { Lane } from '../../daemon/core/message.ts'
import type { Plan } from '../../daemon/verdict/plan.ts'

/** One message that was handed to the log. */
export interface ModelMessage {
  n: number
  seq: number
  stream: number
  plan: Plan
  clientId: string
  /** Running time at which it may expire; Infinity is never. */
  expiresMs: number
  /** The device has been told that it is stored. */
  isAcknowledged: boolean
}

export interface Delivery {
  message: ModelMessage
  destination: string
  address: string
  /** Number of the target among those of the destination. */
  target: number
}

interface NumberedPlan {
  id: number
  stream: number
  plan: Plan
}

/** What was asked of the gateway, in the simplest terms: what must have become of it follows. */
export class Model {
  readonly messages = new Map<number, ModelMessage>()
  /** Committed replays of dead letters, by destination. */
  readonly replays = new Map<string, number>()
  /** Destinations whose messages were discarded while they were not configured. */
  readonly discarded = new Set<string>()
  private readonly plans = new Map<string, NumberedPlan>()
  private readonly streams = new Map<string, number>()

  /** Equal plans have one number, and equal lanes and destinations one stream, as `verdict/` gives them. */
  numbered(lane: Lane, targets: Plan['targets']): NumberedPlan {
    const plan: Plan = {
      document: null,
      message: null,
      channel: null,
      channelIds: ['channel'],
      contentType: null,
      lane,
      targets,
    }
    const body = JSON.stringify(plan)
    const known = this.plans.get(body)
    if (known !== undefined) return known
    const route = JSON.stringify([lane, [...new Set(targets.map(({ to }) => to))]])
    const stream = this.streams.get(route) ?? this.streams.size + 1
    this.streams.set(route, stream)
    const numbered = { id: this.plans.size + 1, stream, plan }
    this.plans.set(body, numbered)
    return numbered
  }

  /** The process was killed: `lastSeq` is the end of the log that the next one finds. Returns acknowledged messages that are not there. */
  crashed(lastSeq: number): ModelMessage[] {
    const lost = [...this.messages.values()].filter(({ seq }) => seq > lastSeq)
    for (const { n } of lost) this.messages.delete(n)
    return lost.filter(({ isAcknowledged }) => isAcknowledged)
  }

  replayed(destination: string): void {
    this.replays.set(destination, (this.replays.get(destination) ?? 0) + 1)
  }

  /** Every delivery at a destination. */
  deliveries(destination: string): Delivery[] {
    return [...this.messages.values()].flatMap((message) =>
      message.plan.targets
        .filter(({ to }) => to === destination)
        .map(({ address }, target) => ({ message, destination, address: address ?? '', target })),
    )
  }
}
