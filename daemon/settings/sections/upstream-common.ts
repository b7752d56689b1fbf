import { record, variants } from '../schema/schema-collections.ts'
import { type Fields, object, withDefault } from '../schema/schema-object.ts'
import { boolean, choice } from '../schema/schema-scalars.ts'
import { duration, orNone, showDuration, size, timer } from '../schema/schema-units.ts'
import { reportInvalid, refine, type Schema } from '../schema/schema.ts'

/** Settings that upstreams of all protocols share. */
export interface UpstreamCommon {
  required: boolean
  /** Null is no limit. */
  maxBacklogBytes: number | null
  holdForMs: number
  deadlineMs: number
  from: 'now' | 'oldest'
  retry: { minMs: number; maxMs: number }
}

/** One upstream. The protocol's own settings stand beside these; the registry of protocols narrows the type. */
export interface UpstreamSettings extends UpstreamCommon {
  protocol: string
}

/** The schema of each protocol's upstreams, by the protocol's name. The registry of protocols hands them in. */
export type UpstreamSchemas = Readonly<Record<string, Schema<UpstreamSettings>>>

export const DEFAULT_DEADLINE_MS = 30_000

const retry = refine(
  object<UpstreamCommon['retry']>({
    minMs: withDefault('min', timer(1), '250ms', 'The first pause.'),
    maxMs: withDefault('max', timer(1), '30s', 'The longest pause; each is about twice the one before.'),
  }),
  (value, node, field, context) =>
    value.minMs <= value.maxMs ? value : reportInvalid(context, node, field, 'a min that is not above max'),
)

export const upstreamCommonFields: Fields<UpstreamCommon> = {
  required: withDefault(
    'required',
    boolean(),
    true,
    'Whether the store keeps messages for it when space runs out; see `store.whenFull`.',
  ),
  maxBacklogBytes: withDefault(
    'maxBacklog',
    orNone(size(1024 * 1024)),
    'none',
    'Beyond this its oldest messages may go when the store is full.',
  ),
  holdForMs: withDefault(
    'holdFor',
    duration(0),
    '24h',
    'How long messages wait for a topic or a permission that is missing, before they are dead-lettered.',
  ),
  deadlineMs: withDefault(
    'deadline',
    timer(100),
    showDuration(DEFAULT_DEADLINE_MS),
    'How long a send may take before it is tried again.',
  ),
  from: withDefault(
    'from',
    choice(['now', 'oldest']),
    'now',
    'Where a new upstream begins: `now`, or with the `oldest` message that the log still has and that would go there. Routes that only some topics of a channel match take none of those.',
  ),
  retry: withDefault('retry', retry, {}, 'Pauses between attempts.'),
}

/** Upstreams by name; `broker` is the name of the embedded broker. */
export function upstreamsSchema(protocols: UpstreamSchemas): Schema<Record<string, UpstreamSettings>> {
  return record(
    { pattern: /^[A-Za-z0-9._-]{1,64}$/, expected: '1 to 64 of A-Z a-z 0-9 . _ -', reserved: ['broker'] },
    variants<UpstreamSettings>('protocol', protocols),
  )
}
