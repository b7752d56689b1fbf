import { expect, test } from 'vitest'
import { processUsage } from '../../daemon/platform/process-usage.ts'

test('the processor time and memory of a process are what it says itself', () => {
  const before = process.cpuUsage()
  const used = processUsage(process.pid)
  const after = process.cpuUsage()
  // The kernel counts in hundredths of a second, and Node's figure is taken before or after.
  expect(used?.cpuMs).toBeGreaterThanOrEqual((before.user + before.system) / 1_000 - 50)
  expect(used?.cpuMs).toBeLessThanOrEqual((after.user + after.system) / 1_000 + 50)
  expect(used?.residentBytes).toBeGreaterThan(10 * 2 ** 20)
})

test('a process that is not there has used nothing that is known', () => {
  expect(processUsage(2 ** 30)).toBeUndefined()
})
