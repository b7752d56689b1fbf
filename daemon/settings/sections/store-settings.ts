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
  maxAgeMs: withDefault('maxAge', duration(0), '1h', 'The longest time for which they are kept.'),
  maxBytes: withDefault('maxBytes', size(0), '64MiB', 'Size of all kept messages.'),
})

const fields = object<StoreSettings>({
  directory: withDefault(
    'directory',
    path(),
    ({ stateDirectory }) => stateDirectory ?? './data',
    'Where the database is kept. Default: `$STATE_DIRECTORY`, else `./data`.',
  ),
  maxBytes: withDefault('maxBytes', size(128 * MIB), '2GiB', 'The most space that the store takes on the disk.'),
  maxAgeMs: withDefault(
    'maxAge',
    orNone(duration(1000)),
    'none',
    'Messages that were not delivered within this time are dropped and counted.',
  ),
  whenFull: withDefault(
    'whenFull',
    choice(['reject', 'drop-oldest', 'drop-newest']),
    'reject',
    'Behaviour when messages for required upstreams have filled the store.',
  ),
  durability: withDefault(
    'durability',
    choice(['power', 'process']),
    'power',
    'Whether an acknowledged message survives a loss of `power`, or only the end of the `process`.',
  ),
  history: withDefault('history', history, {}, 'Messages that are kept after every destination has settled them.'),
})

/** The store that holds messages until every destination has confirmed them. */
export const storeSchema: Schema<StoreSettings> = refine(fields, (store, node, field, context) => {
  if (store.history.maxBytes < store.maxBytes) return store
  return reportInvalid(context, node, field, 'a history.maxBytes below maxBytes')
})
