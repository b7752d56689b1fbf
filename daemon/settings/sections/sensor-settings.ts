import { validate } from 'node-cron'
import { errorAt, joinField } from '../loading/located.ts'
import { list, record, variants } from '../schema/schema-collections.ts'
import { object, optional, required } from '../schema/schema-object.ts'
import { choice, integer, text } from '../schema/schema-scalars.ts'
import { timer } from '../schema/schema-units.ts'
import { refine, reportInvalid, type Schema } from '../schema/schema.ts'
import { type SimulatedField, simulatedFieldSchema } from './simulated-field.ts'

/** Exactly one of `schedule` and `intervalMs` is set. */
export interface SimulatedSensor {
  name: string
  type: 'simulated'
  /** Cron with seconds: six fields. */
  schedule?: string
  intervalMs?: number
  /** May contain {gatewayId}. */
  topic: string
  seed?: number
  payload: Record<string, SimulatedField>
}

export type SensorSettings = SimulatedSensor

export const DEFAULT_INTERVAL_MS = 1000

const schedule = refine(text({ maxLength: 255 }), (value, node, field, context) => {
  const sixFields = value.trim().split(/\s+/).length === 6
  if (sixFields && validate(value)) return value
  return reportInvalid(context, node, field, 'a cron expression of six fields, seconds first, as */30 * * * * *')
})

const topic = text({
  pattern: /^[^$+#\p{Cc}][^+#\p{Cc}]*$/u,
  expected: 'a topic without wildcards that does not start with $',
})

const written = object<SimulatedSensor>({
  name: required(
    'name',
    text({ pattern: /^[A-Za-z0-9._-]{1,64}$/, expected: '1 to 64 of A-Z a-z 0-9 . _ -' }),
    'Name of the sensor, which no other has.',
  ),
  type: required('type', choice(['simulated']), 'Makes random readings.'),
  schedule: optional(
    'schedule',
    schedule,
    'When it reads: a cron expression with seconds, in UTC, such as `*/30 * * * * *`.',
  ),
  intervalMs: optional('interval', timer(1), 'How often it reads, instead of `schedule`. Default: `1s`.'),
  topic: required('topic', topic, 'Where its readings are published; `{gatewayId}` is filled in.'),
  seed: optional('seed', integer(0, 2 ** 32 - 1), 'The same seed gives the same readings.'),
  payload: required(
    'payload',
    record({ pattern: /^.{1,255}$/, expected: '1 to 255 characters' }, simulatedFieldSchema),
    'Fields of the reading: `{ min, max }`, `{ values: […] }`, or a constant.',
  ),
})

const simulated = refine(written, (sensor, node, field, context) => {
  if (sensor.schedule === undefined) return { ...sensor, intervalMs: sensor.intervalMs ?? DEFAULT_INTERVAL_MS }
  if (sensor.intervalMs === undefined) return sensor
  return reportInvalid(context, node, field, 'schedule or interval, not both')
})

const all = list(variants<SensorSettings>('type', { simulated }), 0, 1000)

/** Sensors of this machine, which publish as devices do. */
export const sensorsSchema: Schema<SensorSettings[]> = refine(all, (sensors, node, field, context) => {
  const repeated = sensors.findIndex(({ name }, i) => sensors.findIndex((other) => other.name === name) < i)
  if (repeated === -1) return sensors
  const spot = (node.kind === 'list' ? node.items[repeated] : undefined)?.spot ?? node.spot
  const message = `the name ${JSON.stringify(sensors[repeated]?.name)} is used twice`
  context.errors.push(errorAt('config-invalid', message, spot, joinField(joinField(field, repeated), 'name')))
  return undefined
})
