import type { MqttBroker } from '../broker/mqtt-broker.ts'
import type { Ingest } from '../ingest/ingest.ts'
import { SimulatedSensorRunner } from '../sensors/simulated/simulated-sensor.ts'
import type { Settings } from '../settings/settings.ts'

/** Starts every sensor. A reading takes the path of a device's message, at QoS 0. */
export async function startSensors(
  { sensors, gateway }: Pick<Settings, 'sensors' | 'gateway'>,
  { ingest, broker }: { ingest: Ingest; broker: MqttBroker },
): Promise<SimulatedSensorRunner[]> {
  const read = (topic: string, payload: Buffer, sensor: string): void => {
    const message = { topic, payload, qos: 0, retain: false } as const
    ingest.publish({ ...message, clientId: sensor, packetId: undefined, origin: 'sensor' }, (outcome) => {
      if (outcome === 'deliver') broker.deliver(topic, payload, 0, false)
    })
  }
  const runners = sensors.map((sensor) => new SimulatedSensorRunner(sensor, gateway.id, read))
  for (const runner of runners) await runner.start()
  return runners
}
