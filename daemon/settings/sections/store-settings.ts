import { object, withDefault } from '../schema/schema-object.ts'
import { choice, path } from '../schema/schema-scalars.ts'
import { duration, orNone, size } from '../schema/schema-units.ts'
import { refine, reportInvalid, type Schema } from '../schema/schema.ts'

export interface StoreSettings {
  directory: string
  maxBytes: number
  /** Null for no limit. */
  maxAgeMs: number | null
  whenFull: 'reject' | 'drop-oldest' | 'drop-newest'
  durability: 'power' | 'process'
  history: { maxAgeMs: number; maxBytes: number }
}

const MIB = 1024 ** 2

const history = object<StoreSettings['history']>({
  maxAgeMs: withDefault('maxAge', duration(0), '1h', 'How long.'),
  maxBytes: withDefault('maxBytes', size(0), '64MiB', 'How much.'),
})

const fields = object<StoreSettings>({
  directory: withDefault(
    'directory',
    path(),
    ({ stateDirectory }) => stateDirectory ?? './data',
    'Where the database is kept. Default: `$STATE_DIRECTORY`, else `./data`.',
  ),
  maxBytes: withDefault('maxBytes', size(128 * MIB), '2GiB', 'What the store may take on the disk.'),
  maxAgeMs: withDefault(
    'maxAge',
    orNone(duration(1000)),
    'none',
    'Messages that nobody has taken for this long are dropped, counted.',
  ),
  whenFull: withDefault(
    'whenFull',
    choice(['reject', 'drop-oldest', 'drop-newest']),
    'reject',
    'What happens when required upstreams have filled the store.',
  ),
  durability: withDefault(
    'durability',
    choice(['power', 'process']),
    'power',
    'What an acknowledged message survives: loss of power, or the end of the process only.',
  ),
  history: withDefault('history', history, {}, 'Settled messages that are kept for a while.'),
})

/** The store that holds messages until every destination has confirmed them. */
export const storeSchema: Schema<StoreSettings> = refine(fields, (store, node, field, context) => {
  if (store.history.maxBytes < store.maxBytes) return store
  return reportInvalid(context, node, field, 'a history.maxBytes below maxBytes')
})
