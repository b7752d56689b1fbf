import { expect, test } from 'vitest'
import { readMachineId } from '../../daemon/platform/machine-id.ts'

test('the machine id is read without its newline', () => {
  expect(readMachineId(() => '0123456789abcdef0123456789abcdef\n')).toBe('0123456789abcdef0123456789abcdef')
})

test('a machine without an id, or one that has not booted yet, has none', () => {
  const fail = (): string => {
    throw new Error('ENOENT')
  }
  expect(readMachineId(fail)).toBeUndefined()
  expect(readMachineId(() => 'uninitialized\n')).toBeUndefined()
  expect(readMachineId(() => '')).toBeUndefined()
})
