import { expect, test } from 'vitest'
import { readBootId } from '../../daemon/platform/boot-id.ts'

test('the boot id is the kernel’s, the same for every reader', () => {
  expect(readBootId()).toMatch(/^[0-9a-f-]{36}$/)
  expect(readBootId()).toBe(readBootId())
})

test('where the kernel does not tell, every start is a boot of its own', () => {
  const fail = (): string => {
    throw new Error('ENOENT')
  }
  expect(readBootId(fail)).toMatch(/^[0-9a-f-]{36}$/)
  expect(readBootId(fail)).not.toBe(readBootId(fail))
  expect(readBootId(() => '\n')).toMatch(/^[0-9a-f-]{36}$/)
})
