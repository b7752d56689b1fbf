import type { DestinationStatus } from '../../daemon/forward/forwarder-messages.ts'
import { deliveryKey, readTables, type DestinationTables } from './final-tables.ts'
import type { Delivery, Model } from './model.ts'
import type { Arrival } from './simulated-servers.ts'

export interface Outcome {
  model: Model
  arrivals: readonly Arrival[]
  /** Deliveries that were refused at least once, as `<destination> <n> <address>`. */
  refused: ReadonlySet<string>
  directory: string
  destination: string
  isConfigured: boolean
  status: DestinationStatus | undefined
  nowMs: number
  /** The destination's loop began anew at least once: what was partly settled may have been counted twice. */
  wasRestarted: boolean
}

/** What is wrong with one destination once everything is at rest; nothing if the gateway has kept its word. */
export function faultsOf(outcome: Outcome): string[] {
  const tables = readTables(outcome.directory, outcome.destination)
  const own = outcome.arrivals.filter(({ destination }) => destination === outcome.destination)
  const deliveries = outcome.model.deliveries(outcome.destination)
  return [
    ...fateFaults(outcome, deliveries, own, tables),
    ...orderFaults(outcome, own),
    ...repeatFaults(own),
    ...countFaults(outcome, deliveries, tables),
  ].map((fault) => `${outcome.destination}: ${fault}`)
}

/** Every delivery was accepted, is buried, has expired or was dropped, and both are counted; or it waits, because nobody sends it. */
function fateFaults(
  { isConfigured, nowMs, model, destination }: Outcome,
  deliveries: readonly Delivery[],
  arrivals: readonly Arrival[],
  tables: DestinationTables,
): string[] {
  const accepted = new Set(arrivals.map(({ n, address }) => `${n} ${address}`))
  const faults: string[] = []
  const uncounted: string[] = []
  for (const delivery of deliveries) {
    const { message, address, target } = delivery
    const key = deliveryKey({ seq: message.seq, target })
    const isWaiting = !tables.isSettled(delivery) || tables.held.has(key)
    const name = `message ${message.n} (sequence ${message.seq}) for ${address}`
    if (isWaiting && isConfigured) faults.push(`${name} still waits`)
    if (isWaiting || tables.letters.has(key) || accepted.has(`${message.n} ${address}`)) continue
    if (message.expiresMs >= nowMs && !model.discarded.has(destination)) faults.push(`${name} is lost`)
    else uncounted.push(name)
  }
  const { expired, dropped } = tables.counts
  if (uncounted.length > expired + dropped)
    faults.push(`${uncounted.length} deliveries are gone, ${expired} expired and ${dropped} dropped ones are counted`)
  return faults
}

/**
 * First acceptances of one order key on one lane come in sequence order. Excepted is what an operator repeated, and what was refused:
 * where a forwarder dies before that is durable, the next one sends it again, behind those that followed.
 */
function orderFaults({ model, refused }: Outcome, arrivals: readonly Arrival[]): string[] {
  const faults: string[] = []
  const last = new Map<string, number>()
  const seen = new Set<string>()
  for (const { destination, n, address, orderKey, isReplayed } of arrivals) {
    const message = model.messages.get(n)
    if (message === undefined || isReplayed || refused.has(`${destination} ${n} ${address}`)) continue
    if (seen.has(`${n} ${address}`)) continue
    seen.add(`${n} ${address}`)
    const order = `${address} ${orderKey} ${message.plan.lane}`
    const before = last.get(order) ?? 0
    if (message.seq < before) faults.push(`sequence ${message.seq} came behind ${before} at ${order}`)
    last.set(order, Math.max(before, message.seq))
  }
  return faults
}

/** What was confirmed comes again only to a loop that began anew, or because an operator asked for it. */
function repeatFaults(arrivals: readonly Arrival[]): string[] {
  const faults: string[] = []
  const confirmed = new Map<string, number>()
  for (const { n, address, isReplayed, isConfirmed, restarts } of arrivals) {
    const key = `message ${n} for ${address}${isReplayed ? ', replayed,' : ''}`
    if (confirmed.get(key) === restarts) faults.push(`${key} came again although it was confirmed`)
    if (isConfirmed) confirmed.set(key, restarts)
  }
  return faults
}

/** The numbers that operators see are those of the tables, and every delivery is counted once. */
function countFaults(
  { status, isConfigured, wasRestarted, model, destination }: Outcome,
  deliveries: readonly Delivery[],
  tables: DestinationTables,
): string[] {
  const { counts, held } = tables
  const faults: string[] = []
  const unsettled = deliveries.filter((delivery) => !tables.isSettled(delivery))
  const waiting = new Set(unsettled.map(({ message }) => message.seq)).size + held.size
  const same = (what: string, shown: number, stored: number): void => {
    if (shown !== stored) faults.push(`status says ${what} ${shown}, the tables ${stored}`)
  }
  if (status === undefined) {
    if (isConfigured || waiting > 0) faults.push(`is not listed, though ${waiting} wait`)
  } else {
    same('queued', status.queued, waiting)
    same('held', status.held, held.size)
    same('delivered', status.delivered, counts.delivered)
    same('deadLettered', status.deadLettered, counts.dead)
    same('expired', status.expired, counts.expired)
    same('dropped', status.dropped, counts.dropped)
  }
  const counted = counts.delivered + counts.dead + counts.expired + counts.dropped + held.size + unsettled.length
  const asked = deliveries.length + (model.replays.get(destination) ?? 0)
  if (wasRestarted ? counted < asked : counted !== asked)
    faults.push(`${asked} deliveries were asked for, ${counted} are counted`)
  return faults
}
