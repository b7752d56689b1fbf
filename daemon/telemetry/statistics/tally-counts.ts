import { ERROR_CODES } from '../../core/errors.ts'
import { Counter, OTHER } from '../counters.ts'
import { LatencyHistogram } from './latency-histogram.ts'

const MAX_CODES = Object.keys(ERROR_CODES).length
const MAX_DESTINATIONS = 100
const MAX_NAME_LENGTH = 200

/** Counts of one channel, one connection or all, over some time. Counters are made when first needed: thousands stay empty. */
export class TallyCounts {
  received = 0
  valid = 0
  rejected = 0
  bytes = 0
  reasons: Counter | undefined
  forwarded: Counter | undefined
  deadLettered: Counter | undefined
  /** Milliseconds from receipt to the commit. */
  durable: LatencyHistogram | undefined
  /** Milliseconds from durable to the destination's confirmation. */
  confirmed: LatencyHistogram | undefined

  /** Reads the object that `toJson` made and the store kept. Damaged parts count nothing. */
  static fromJson(json: object): TallyCounts {
    const counts = new TallyCounts()
    const of = (name: string): unknown => (Object.hasOwn(json, name) ? Reflect.get(json, name) : undefined)
    counts.received = numberOf(of('received'))
    counts.valid = numberOf(of('valid'))
    counts.rejected = numberOf(of('rejected'))
    counts.bytes = numberOf(of('bytes'))
    for (const [code, count] of labelsOf(of('reasons')))
      counts.addReason(Object.hasOwn(ERROR_CODES, code) ? code : OTHER, count)
    for (const [name, count] of labelsOf(of('forwarded'))) counts.addForwarded(name, count)
    for (const [name, count] of labelsOf(of('deadLettered'))) counts.addDeadLettered(name, count)
    const [durable, confirmed] = [of('durable'), of('confirmed')]
    if (durable !== undefined) counts.durable = LatencyHistogram.fromJson(durable)
    if (confirmed !== undefined) counts.confirmed = LatencyHistogram.fromJson(confirmed)
    return counts
  }

  get isEmpty(): boolean {
    return this.received === 0 && this.forwarded === undefined && this.deadLettered === undefined
  }

  /** Messages in and out, to rank the busy ones. */
  get activity(): number {
    return this.received + (this.forwarded?.total ?? 0) + (this.deadLettered?.total ?? 0)
  }

  addReason(code: string, count: number): void {
    this.reasons ??= new Counter(MAX_CODES)
    this.reasons.inc(code, count)
  }

  addForwarded(destination: string, count: number): void {
    this.forwarded ??= new Counter(MAX_DESTINATIONS)
    this.forwarded.inc(destination, count)
  }

  addDeadLettered(destination: string, count: number): void {
    this.deadLettered ??= new Counter(MAX_DESTINATIONS)
    this.deadLettered.inc(destination, count)
  }

  addConfirmed(latency: LatencyHistogram): void {
    this.confirmed ??= new LatencyHistogram()
    this.confirmed.merge(latency)
  }

  add(other: TallyCounts): void {
    this.received += other.received
    this.valid += other.valid
    this.rejected += other.rejected
    this.bytes += other.bytes
    for (const [code, count] of other.reasons?.entries() ?? []) this.addReason(code, count)
    for (const [name, count] of other.forwarded?.entries() ?? []) this.addForwarded(name, count)
    for (const [name, count] of other.deadLettered?.entries() ?? []) this.addDeadLettered(name, count)
    if (other.durable !== undefined) {
      this.durable ??= new LatencyHistogram()
      this.durable.merge(other.durable)
    }
    if (other.confirmed !== undefined) this.addConfirmed(other.confirmed)
  }

  /** Leaves zeros out, because thousands of these are stored. */
  toJson(): Record<string, unknown> {
    const json: Record<string, unknown> = {}
    if (this.received > 0) json['received'] = this.received
    if (this.valid > 0) json['valid'] = this.valid
    if (this.rejected > 0) json['rejected'] = this.rejected
    if (this.bytes > 0) json['bytes'] = this.bytes
    if (this.reasons !== undefined) json['reasons'] = Object.fromEntries(this.reasons.entries())
    if (this.forwarded !== undefined) json['forwarded'] = Object.fromEntries(this.forwarded.entries())
    if (this.deadLettered !== undefined) json['deadLettered'] = Object.fromEntries(this.deadLettered.entries())
    if (this.durable !== undefined) json['durable'] = this.durable.toJson()
    if (this.confirmed !== undefined) json['confirmed'] = this.confirmed.toJson()
    return json
  }
}

function numberOf(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0
}

function labelsOf(value: unknown): [label: string, count: number][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  return Object.entries(value)
    .slice(0, MAX_DESTINATIONS + MAX_CODES)
    .filter(([label, count]) => label.length <= MAX_NAME_LENGTH && numberOf(count) > 0)
}
