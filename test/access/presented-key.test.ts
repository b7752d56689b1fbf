import { expect, test } from 'vitest'
import { presentedKey } from '../../daemon/access/presented-key.ts'

test.each([
  [{ 'x-api-key': 'k' }, 'k'],
  [{ authorization: 'Bearer t' }, 't'],
  [{ authorization: 'bearer  t' }, 't'],
  [{ 'x-api-key': 'k', authorization: 'Bearer t' }, 'k'],
  [{ authorization: 'Basic dTpw' }, undefined],
  [{ authorization: 'Bearer' }, undefined],
  [{ authorization: 'Bearer a b' }, undefined],
  [{ 'x-api-key': ['a', 'b'] }, undefined],
  [{}, undefined],
])('%j presents %j', (headers, key) => expect(presentedKey(headers)).toBe(key))
