import type { Located } from '../loading/located.ts'
import { list } from '../schema/schema-collections.ts'
import { object, required } from '../schema/schema-object.ts'
import { type ReadContext, refine, reportInvalid, type Schema } from '../schema/schema.ts'

export type JsonScalar = string | number | boolean | null

/** One field of a simulated reading. */
export type SimulatedField =
  | { kind: 'range'; min: number; max: number }
  | { kind: 'values'; values: JsonScalar[] }
  | { kind: 'constant'; value: JsonScalar }

/** Wraps a value, because null is one here while schemas return undefined for a fault. */
interface Boxed {
  value: JsonScalar
}

const scalar: Schema<Boxed> = {
  json: { type: ['string', 'number', 'boolean', 'null'] },
  read(node, field, context) {
    return node.kind === 'scalar' ? { value: node.value } : reportInvalid(context, node, field, 'one value')
  },
}

const finite: Schema<number> = {
  json: { type: 'number' },
  read(node, field, context) {
    if (node.kind === 'scalar' && typeof node.value === 'number' && Number.isFinite(node.value)) return node.value
    return reportInvalid(context, node, field, 'a number')
  },
}

const range = refine(
  object<{ min: number; max: number }>({
    min: required('min', finite, 'The lowest value.'),
    max: required('max', finite, 'The highest value.'),
  }),
  (value, node, field, context): SimulatedField | undefined =>
    value.min <= value.max
      ? { kind: 'range', ...value }
      : reportInvalid(context, node, field, 'a min that is not above max'),
)

const values = refine(
  object<{ values: Boxed[] }>({
    values: required('values', list(scalar, 1, 1000), 'Values of which one is chosen at random.'),
  }),
  (value): SimulatedField => ({ kind: 'values', values: value.values.map((boxed) => boxed.value) }),
)

const constant = refine(scalar, ({ value }): SimulatedField => ({ kind: 'constant', value }))

export const simulatedFieldSchema: Schema<SimulatedField> = {
  json: { anyOf: [range.json, values.json, constant.json] },
  read: (node, field, context) => kindOf(node).read(node, field, context),
}

function kindOf(node: Located): Pick<Schema<SimulatedField>, 'read'> {
  if (node.kind === 'scalar') return constant
  if (node.kind === 'map' && node.entries.has('values')) return values
  if (node.kind === 'map' && (node.entries.has('min') || node.entries.has('max'))) return range
  return { read: expectField }
}

function expectField(node: Located, field: string, context: ReadContext): undefined {
  return reportInvalid(context, node, field, '{ min, max }, { values: […] } or one value')
}
