import { SimulatedSensorRunner } from '../sensors/simulated/simulated-sensor.ts'
import type { Settings } from '../settings/settings.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Rooms } from './rooms.ts'

/** Starts every sensor, and lists it before, so that a stop in between ends it. A reading takes the path of a device's message, at QoS 0. */
export async function startSensors(
  { sensors, gateway }: Pick<Settings, 'sensors' | 'gateway'>,
  { ingest, broker, sensors: runners }: Pick<Rooms, 'ingest' | 'broker' | 'sensors'>,
  lifecycle: Pick<Lifecycle, 'ensureRunning'>,
): Promise<void> {
  const read = (topic: string, payload: Buffer, sensor: string): void => {
    const message = { topic, payload, qos: 0, retain: false } as const
    ingest.publish({ ...message, clientId: sensor, packetId: undefined, origin: 'sensor' }, (outcome) => {
      if (outcome === 'deliver') broker.deliver(topic, payload, 0, false)
    })
  }
  for (const sensor of sensors) {
    const runner = new SimulatedSensorRunner(sensor, gateway.id, read)
    lifecycle.ensureRunning()
    runners.push(runner)
    await runner.start()
  }
}
