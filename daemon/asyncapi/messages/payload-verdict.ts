import type { ErrorCode } from '../../core/errors.ts'
import type { Headers, Violation } from '../../core/message.ts'
import type { ContractMessage } from '../contract/contract.ts'
import { pointerSegments } from '../contract/json-pointer.ts'
import { Undecodable, type PayloadReader } from '../formats/payload-format.ts'
import type { ValueCheck } from '../schemas/compiled-schema.ts'
import { checkHeaders, type MessageCheck } from './message-check.ts'

export interface Accepted {
  readonly ok: true
  readonly message: ContractMessage
  /** The decoded payload: a JSON value, a text or the bytes. A payload that needed no check is decoded on first use. */
  readonly value: unknown
}

export interface Refused {
  readonly ok: false
  readonly code: ErrorCode
  readonly errors: readonly Violation[]
  /** Name of the message that the payload resembles most. */
  readonly message?: string
}

export type Verdict = Accepted | Refused

/** Keywords that authors use to tell messages apart: a payload that violates one is probably another message. */
const DISCRIMINATING = new Set(['const', 'enum', 'false schema'])

/** An accepted payload that needed no check, and is decoded only when its value is read. */
export class Undecoded implements Accepted {
  readonly ok = true
  readonly message: ContractMessage
  private readonly payload: Uint8Array
  private readonly format: PayloadReader | undefined

  constructor(message: ContractMessage, payload: Uint8Array, format?: PayloadReader) {
    this.message = message
    this.payload = payload
    this.format = format
  }

  get value(): unknown {
    const value = this.format?.decode(this.payload)
    return value === undefined || value instanceof Undecodable ? this.payload : value
  }
}

/** Judges a payload, and its headers, by one message. */
export function judgeMessage(check: MessageCheck, payload: Uint8Array, headers: Headers | undefined): Verdict {
  return check.payload === undefined
    ? judgeHeaders(check, new Undecoded(check.message, payload, check.format), headers)
    : judgeValue(check, check.payload, check.format.decode(payload), headers)
}

/** Judges a payload by several messages: the first that fits wins, else the nearest refusal is returned. */
export function judgeMessages(
  checks: readonly MessageCheck[],
  payload: Uint8Array,
  headers: Headers | undefined,
): Verdict {
  const refusals: Refused[] = []
  const decoded = new Map<PayloadReader, unknown>()
  for (const check of checks) {
    const { format } = check
    if (check.payload !== undefined && !decoded.has(format)) decoded.set(format, format.decode(payload))
    const verdict =
      check.payload === undefined
        ? judgeMessage(check, payload, headers)
        : judgeValue(check, check.payload, decoded.get(format), headers)
    if (verdict.ok) return verdict
    refusals.push(verdict)
  }
  return nearestRefusal(refusals) ?? { ok: false, code: 'payload-invalid', errors: [] }
}

function judgeValue(check: MessageCheck, schema: ValueCheck, value: unknown, headers: Headers | undefined): Verdict {
  const { message } = check
  if (value instanceof Undecodable)
    return { ok: false, code: value.code, errors: [value.violation], message: message.name }
  const errors = schema.check(value)
  if (errors.length > 0) return { ok: false, code: 'payload-invalid', errors, message: message.name }
  return judgeHeaders(check, { ok: true, message, value }, headers)
}

function judgeHeaders(check: MessageCheck, accepted: Accepted, headers: Headers | undefined): Verdict {
  if (check.headers === undefined) return accepted
  const errors = checkHeaders(check, headers)
  return errors.length === 0 ? accepted : { ok: false, code: 'payload-invalid', errors, message: check.message.name }
}

/**
 * Chooses the refusal to report when several messages refuse a payload: the one with the deepest violation, then with the
 * fewest violations of discriminating keywords, then with the fewest in all, then the first.
 */
function nearestRefusal<T extends { errors: readonly Violation[] }>(refusals: readonly T[]): T | undefined {
  let nearest: T | undefined
  for (const refusal of refusals) {
    if (nearest === undefined || compareNearness(refusal.errors, nearest.errors) > 0) nearest = refusal
  }
  return nearest
}

function compareNearness(a: readonly Violation[], b: readonly Violation[]): number {
  return depthOf(a) - depthOf(b) || discriminators(b) - discriminators(a) || b.length - a.length
}

function depthOf(errors: readonly Violation[]): number {
  // Headers are checked after the payload was accepted, so no refusal is nearer than theirs.
  return Math.max(
    -1,
    ...errors.map(({ pointer }) => (pointer.startsWith('$') ? 1_000 : pointerSegments(pointer).length)),
  )
}

function discriminators(errors: readonly Violation[]): number {
  return errors.filter((error) => DISCRIMINATING.has(error.keyword)).length
}
