import { setTimeout as sleep } from 'node:timers/promises'
import { requireTool } from '../../../test/servers/require-tool.ts'
import { startDaemon } from '../daemon.ts'
import { oneChannel } from '../documents.ts'
import { publishSteadily, publishTotal } from '../load.ts'
import { metricEndingWith } from '../metrics-text.ts'
import type { Scenario } from '../scenario.ts'

const WARM_UP = 50_000
const RATE = 20_000
const SECONDS = 10
const LEAD_SECONDS = 2
/** As an SD card's. */
const FSYNC_DELAY_US = 20_000

/** Whether main waits for the disk: the same load on a disk as it is, and on one whose fsyncs take 20 ms longer. */
export const loopLag: Scenario = {
  name: 'loop-lag',
  async run(effort, record) {
    const measure = (delayUs: number) => measureLag(delayUs, effort.count(WARM_UP), effort.seconds(SECONDS))
    for (let round = 0; round < effort.rounds(); round++) {
      const plain = await measure(0)
      const delayed = await measure(FSYNC_DELAY_US)
      const ratio = delayed.lagMs / plain.lagMs
      record.add('event loop lag p99, fsyncs 20 ms slower over as they are', '×', ratio, { atMost: 2 })
      record.add('event loop lag p99', 'ms', plain.lagMs)
      record.add('event loop lag p99, fsyncs 20 ms slower', 'ms', delayed.lagMs)
      record.add('rate while fsyncs are 20 ms slower', '/s', delayed.rate)
    }
  },
}

async function measureLag(delayUs: number, warmUp: number, seconds: number): Promise<{ lagMs: number; rate: number }> {
  const daemon = await startDaemon({ documents: oneChannel(), under: strace(delayUs) })
  try {
    await publishTotal(daemon.mqttPort, warmUp)
    const load = publishSteadily(daemon.mqttPort, RATE, LEAD_SECONDS + seconds + 1)
    // A load that fails ends the measurement, and is not left alone with its error.
    const lag = async () => {
      await sleep(LEAD_SECONDS * 1000)
      // Each reading begins a new one.
      await daemon.metrics()
      await sleep(seconds * 1000)
      return metricEndingWith(await daemon.metrics(), 'nodejs_eventloop_lag_p99_seconds')
    }
    const [{ rate }, lagSeconds] = await Promise.all([load, lag()])
    return { lagMs: lagSeconds * 1000, rate }
  } finally {
    await daemon.stop()
  }
}

/** Both runs are traced, so that only the delay differs. `-D` leaves the daemon its process id. */
function strace(delayUs: number): string[] {
  const inject = delayUs === 0 ? [] : ['-e', `inject=fsync,fdatasync:delay_enter=${delayUs}`]
  const quiet = ['-q', '-o', '/dev/null']
  // Filtered in the kernel: other system calls run at full speed.
  return [requireTool('strace'), '-D', '-f', '--seccomp-bpf', ...quiet, '-e', 'trace=fsync,fdatasync', ...inject]
}
