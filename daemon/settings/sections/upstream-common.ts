import { type Fields, object, withDefault } from '../schema/schema-object.ts'
import { boolean, choice } from '../schema/schema-scalars.ts'
import { duration, orNone, size, timer } from '../schema/schema-units.ts'
import { reportInvalid, refine } from '../schema/schema.ts'

/** What every upstream has, whatever its protocol. */
export interface UpstreamCommon {
  required: boolean
  /** Null is no limit. */
  maxBacklogBytes: number | null
  holdForMs: number
  deadlineMs: number
  from: 'now' | 'oldest'
  retry: { minMs: number; maxMs: number }
}

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
  deadlineMs: withDefault('deadline', timer(100), '30s', 'How long a send may take before it is tried again.'),
  from: withDefault(
    'from',
    choice(['now', 'oldest']),
    'now',
    'Where a new upstream begins: `now`, or with the `oldest` message that the log still has and that would go there. Routes that only some topics of a channel match take none of those.',
  ),
  retry: withDefault('retry', retry, {}, 'Pauses between attempts.'),
}
