import { expect, test } from 'vitest'
import { FakeTime } from '../../../daemon/core/timers.ts'
import { SimulatedSensorRunner } from '../../../daemon/sensors/simulated/simulated-sensor.ts'
import type { SimulatedSensor } from '../../../daemon/settings/sections/sensor-settings.ts'

const SETTINGS: SimulatedSensor = {
  name: 'thermometer',
  type: 'simulated',
  intervalMs: 500,
  topic: 'gateway/{gatewayId}/temperature',
  seed: 7,
  payload: {
    temperature: { kind: 'range', min: -5, max: 40 },
    state: { kind: 'values', values: ['on', 'off', null] },
    unit: { kind: 'constant', value: '°C' },
  },
}

interface Reading {
  topic: string
  payload: Record<string, unknown>
  sensor: string
}

async function readFor(ms: number, settings = SETTINGS): Promise<Reading[]> {
  const time = new FakeTime()
  const readings: Reading[] = []
  const sensor = new SimulatedSensorRunner(
    settings,
    'edge-1',
    (topic, payload, name) => {
      readings.push({ topic, payload: JSON.parse(payload.toString()) as Reading['payload'], sensor: name })
    },
    { clock: time, timers: time },
  )
  await sensor.start()
  await time.pass(ms)
  expect(sensor.lastReadingAtMs).toBe(readings.length === 0 ? null : time.wallMs() - (ms % 500))
  await sensor.stop()
  await time.pass(10_000)
  return readings
}

test('a sensor reads once an interval, until it is stopped', async () => {
  expect(await readFor(499)).toEqual([])
  expect(await readFor(2_100)).toHaveLength(4)
})

test('a reading has every field, within its bounds, on the topic of the gateway', async () => {
  for (const { topic, payload, sensor } of await readFor(20_000)) {
    expect([topic, sensor]).toEqual(['gateway/edge-1/temperature', 'thermometer'])
    expect(Object.keys(payload)).toEqual(['temperature', 'state', 'unit'])
    expect(payload['temperature']).toBeGreaterThanOrEqual(-5)
    expect(payload['temperature']).toBeLessThanOrEqual(40)
    expect(['on', 'off', null]).toContain(payload['state'])
    expect(payload['unit']).toBe('°C')
  }
})

test('the same seed gives the same readings, another one gives others', async () => {
  const readings = await readFor(5_000)
  expect(await readFor(5_000)).toEqual(readings)
  expect(await readFor(5_000, { ...SETTINGS, seed: 8 })).not.toEqual(readings)
})
