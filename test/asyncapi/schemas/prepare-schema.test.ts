import { expect, it } from 'vitest'
import { tidySchema } from '../../../daemon/asyncapi/schemas/prepare-schema.ts'

it('repairs slips of authors and keeps every keyword that has a meaning', () => {
  expect(
    tidySchema({
      type: ['string', null, 'string'],
      required: ['a', 'a'],
      enum: ['a', null, { b: 1 }, { b: 1 }],
      const: null,
      minimum: null,
      properties: { a: null, b: false, __proto__x: {} },
      pattern: '^a$',
    }),
  ).toEqual({
    type: ['string', 'null'],
    required: ['a'],
    enum: ['a', null, { b: 1 }],
    const: null,
    properties: { a: true, b: false, __proto__x: {} },
    pattern: '^a$',
  })
})
