import { createTask, type ScheduledTask } from 'node-cron'
import type { SimulatedSensor } from '../../settings/sections/sensor-settings.ts'
import type { SimulatedField } from '../../settings/sections/simulated-field.ts'
import { seededRandom } from './seeded-random.ts'

/** Hands a reading on; calls back with whether it was taken. */
export type SensorSink = (topic: string, payload: Buffer, sensor: string) => void

/** Invents readings, on an interval or a schedule (UTC); the same seed gives the same readings. */
export class SimulatedSensorRunner {
  readonly name: string
  lastReadingAtMs: number | null = null
  private readonly settings: SimulatedSensor
  private readonly sink: SensorSink
  private readonly random: () => number
  private readonly topic: string
  private timer: NodeJS.Timeout | undefined
  private task: ScheduledTask | undefined

  constructor(settings: SimulatedSensor, gatewayId: string, sink: SensorSink) {
    this.settings = settings
    this.name = settings.name
    this.sink = sink
    this.random = settings.seed === undefined ? Math.random : seededRandom(settings.seed)
    this.topic = settings.topic.replaceAll('{gatewayId}', gatewayId)
  }

  async start(): Promise<void> {
    const { schedule, intervalMs } = this.settings
    if (schedule === undefined) {
      this.timer = setInterval(() => this.read(), intervalMs)
      return
    }
    this.task = createTask(schedule, () => this.read(), { timezone: 'UTC', noOverlap: true })
    await this.task.start()
  }

  async stop(): Promise<void> {
    clearInterval(this.timer)
    await this.task?.destroy()
  }

  private read(): void {
    this.lastReadingAtMs = Date.now()
    const values = Object.entries(this.settings.payload).map(([name, field]) => [name, this.value(field)])
    this.sink(this.topic, Buffer.from(JSON.stringify(Object.fromEntries(values))), this.name)
  }

  private value(field: SimulatedField): unknown {
    switch (field.kind) {
      case 'constant':
        return field.value
      case 'values':
        return field.values[Math.floor(this.random() * field.values.length)]
      case 'range':
        return Math.round((field.min + this.random() * (field.max - field.min)) * 100) / 100
    }
  }
}
