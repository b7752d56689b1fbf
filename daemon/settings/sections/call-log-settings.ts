import { object, withDefault } from '../schema/schema-object.ts'
import { choice, number } from '../schema/schema-scalars.ts'
import { duration, size } from '../schema/schema-units.ts'
import type { Schema } from '../schema/schema.ts'

export interface CallLogSettings {
  record: 'all' | 'errors' | 'none'
  /** Share of the accepted messages that `errors` records, 0 to 1. */
  sample: number
  maxAgeMs: number
  maxBytes: number
}

const DAY_MS = 86_400_000
const MIB = 1024 ** 2

/** Settings of the table `message_call_logs`. */
export const callLogSchema: Schema<CallLogSettings> = object<CallLogSettings>({
  record: withDefault(
    'record',
    choice(['all', 'errors', 'none']),
    'errors',
    '`all` records every message; `errors` refused messages, those of the API, and a sample of the rest; `none` nothing.',
  ),
  sample: withDefault('sample', number(0, 1), 0.01, 'The share of accepted messages that `errors` records.'),
  maxAgeMs: withDefault('maxAge', duration(60_000, 365 * DAY_MS), '7d', 'How long calls are kept.'),
  maxBytes: withDefault('maxBytes', size(MIB), '128MiB', 'Size of all recorded calls.'),
})
