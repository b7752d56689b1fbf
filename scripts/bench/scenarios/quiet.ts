import { setTimeout as sleep } from 'node:timers/promises'
import type { Daemon } from '../daemon.ts'
import { whileForwarding } from '../forwarding.ts'
import { publishSteadily } from '../load.ts'
import { readUsage, readWakeUps } from '../process-usage.ts'
import type { Scenario } from '../scenario.ts'

const WARM_UP = 20_000
const SECONDS = 10
/** Until connections and caches have come to rest. */
const SETTLE_MS = 5_000
const RATE = 100

/** What most gateways do most of the time: nothing, or a hundred messages a second, connected to Kafka. */
export const quiet: Scenario = {
  name: 'quiet',
  async run(effort, record) {
    const seconds = effort.seconds(SECONDS)
    await whileForwarding(effort.count(WARM_UP), async (daemon) => {
      for (let round = 0; round < effort.rounds(); round++) {
        await sleep(SETTLE_MS)
        const idle = await during(daemon, () => sleep(seconds * 1000))
        record.add('connected to Kafka, no messages: wake-ups of all threads', '/s', idle.wakeUps / seconds, {
          atMost: 150,
        })
        record.add('connected to Kafka, no messages: CPU a second', 'ms', idle.cpuMs / seconds)
        const busy = await during(daemon, () => publishSteadily(daemon.mqttPort, RATE, seconds, { clients: 5 }))
        record.add('100 msg/s to Kafka: wake-ups of all threads', '/s', busy.wakeUps / seconds)
        record.add('100 msg/s to Kafka: CPU a second', 'ms', busy.cpuMs / seconds)
      }
    })
  },
}

async function during(daemon: Daemon, work: () => Promise<unknown>): Promise<{ wakeUps: number; cpuMs: number }> {
  const [wakeUps, { cpuMs }] = [readWakeUps(daemon.pid), readUsage(daemon.pid)]
  await work()
  return { wakeUps: readWakeUps(daemon.pid) - wakeUps, cpuMs: readUsage(daemon.pid).cpuMs - cpuMs }
}
