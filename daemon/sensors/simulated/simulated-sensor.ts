import { createTask, type ScheduledTask } from 'node-cron'
import { systemClock, type Clock } from '../../core/clock.ts'
import { systemTimers, type Timer, type Timers } from '../../core/timers.ts'
import { DEFAULT_INTERVAL_MS, type SimulatedSensor } from '../../settings/sections/sensor-settings.ts'
import type { SimulatedField } from '../../settings/sections/simulated-field.ts'

/** Receives each reading. `sensor`: the sensor's name. */
export type SensorSink = (topic: string, payload: Buffer, sensor: string) => void

/** Makes random readings on an interval or a schedule (in UTC). The same seed gives the same readings. */
export class SimulatedSensorRunner {
  readonly name: string
  lastReadingAtMs: number | null = null
  private readonly settings: SimulatedSensor
  private readonly sink: SensorSink
  private readonly random: () => number
  private readonly topic: string
  private readonly clock: Clock
  private readonly timers: Timers
  private timer: Timer | undefined
  private task: ScheduledTask | undefined

  constructor(
    settings: SimulatedSensor,
    gatewayId: string,
    sink: SensorSink,
    { clock, timers }: { clock: Clock; timers: Timers } = { clock: systemClock, timers: systemTimers },
  ) {
    this.clock = clock
    this.timers = timers
    this.settings = settings
    this.name = settings.name
    this.sink = sink
    this.random = settings.seed === undefined ? Math.random : seededRandom(settings.seed)
    this.topic = settings.topic.replaceAll('{gatewayId}', gatewayId)
  }

  async start(): Promise<void> {
    const { schedule, intervalMs = DEFAULT_INTERVAL_MS } = this.settings
    if (schedule === undefined) {
      this.timer = this.timers.every(intervalMs, () => this.read())
      return
    }
    // A schedule is of wall time: node-cron keeps its own timers.
    this.task = createTask(schedule, () => this.read(), { timezone: 'UTC', noOverlap: true })
    await this.task.start()
  }

  async stop(): Promise<void> {
    this.timer?.cancel()
    await this.task?.destroy()
  }

  private read(): void {
    this.lastReadingAtMs = this.clock.wallMs()
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

/** Numbers in [0, 1) from a 32-bit seed (mulberry32), the same on every machine. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
