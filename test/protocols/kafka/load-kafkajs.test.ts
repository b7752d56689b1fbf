import { expect, test } from 'vitest'
import { silentLogger } from '../../../daemon/core/logger.ts'
import { isKnown, loadKafkajs } from '../../../daemon/protocols/kafka/load-kafkajs.ts'

test('the installed kafkajs is the version that our code was written for', async () => {
  expect((await loadKafkajs(silentLogger)).isKnownVersion).toBe(true)
})

test('the log names a version that our code was not written for', () => {
  const warnings: object[] = []
  const logger = { ...silentLogger, warn: (fields: object) => warnings.push(fields) }
  expect(isKnown('2.3.0', logger)).toBe(false)
  expect(warnings).toEqual([{ version: '2.3.0', known: '2.2.4' }])
})

test('two connections share one loaded kafkajs, so that the warning comes once', async () => {
  expect(await loadKafkajs(silentLogger)).toBe(await loadKafkajs(silentLogger))
})
