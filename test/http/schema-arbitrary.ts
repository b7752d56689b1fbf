import fc, { type Arbitrary } from 'fast-check'

interface Schema {
  type?: string | readonly string[]
  enum?: readonly unknown[]
  anyOf?: readonly Schema[]
  properties?: Readonly<Record<string, Schema>>
  required?: readonly string[]
  additionalProperties?: Schema | boolean
  items?: Schema
  pattern?: string
  minLength?: number
  maxLength?: number
}

/** Generates values that are valid by a schema of the API; supports the keywords that these schemas use. */
export function valuesOf(schema: Schema): Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(valuesOf))
  switch (schema.type) {
    case 'string':
      return textsOf(schema)
    case 'integer':
      return fc.integer()
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true })
    case 'boolean':
      return fc.boolean()
    case 'object':
      return objectsOf(schema)
    case undefined:
    default:
      return fc.jsonValue()
  }
}

function textsOf({ pattern, minLength = 0, maxLength = 50 }: Schema): Arbitrary<string> {
  const texts =
    pattern === undefined
      ? fc.string({ minLength, maxLength: Math.min(50, maxLength) })
      : fc.stringMatching(new RegExp(pattern))
  return texts.filter((text) => text.length >= minLength && text.length <= maxLength)
}

function objectsOf({ properties = {}, required = [], additionalProperties }: Schema): Arbitrary<unknown> {
  const own = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, valuesOf(schema)])),
    { requiredKeys: [...required] },
  )
  if (typeof additionalProperties !== 'object') return own
  const more = fc.dictionary(fc.string({ maxLength: 10 }), valuesOf(additionalProperties), {
    maxKeys: 3,
    noNullPrototype: true,
  })
  return fc.tuple(more, own).map(([extra, given]) => ({ ...extra, ...(given as object) }))
}
