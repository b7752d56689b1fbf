import { setTimeout as sleep } from 'node:timers/promises'
import { whileForwarding } from '../forwarding.ts'
import { publishSteadily } from '../load.ts'
import type { Scenario } from '../scenario.ts'

const WARM_UP = 100_000
const RATE = 2000
const SECONDS = 20
/** Until the daemon has noticed, and its first attempts have failed. */
const SETTLE_MS = 2000

/** How long a device waits for its acknowledgement while Kafka is there, and while it is not. */
export const latency: Scenario = {
  name: 'latency',
  async run(effort, record) {
    const seconds = effort.seconds(SECONDS)
    await whileForwarding(effort.count(WARM_UP), async (daemon, kafka) => {
      for (let round = 0; round < effort.rounds(); round++) {
        const start = await kafka.endOffset()
        await sleep(SETTLE_MS)
        const up = await publishSteadily(daemon.mqttPort, RATE, seconds)
        await kafka.hasTaken(start, up.messages)

        await kafka.kill()
        await sleep(SETTLE_MS)
        const down = await publishSteadily(daemon.mqttPort, RATE, seconds)
        await kafka.startAgain()
        await kafka.hasTaken(start, up.messages + down.messages)

        const ratio = down.latencyMs.p99 / up.latencyMs.p99
        record.add('acknowledgement p99, Kafka down over up', '×', ratio, { atMost: 1.2 })
        record.add('acknowledgement p50 at 2,000 msg/s', 'ms', up.latencyMs.p50, { atMost: 2 })
        record.add('acknowledgement p99, Kafka up', 'ms', up.latencyMs.p99)
        record.add('acknowledgement p99, Kafka down', 'ms', down.latencyMs.p99)
      }
    })
  },
}
