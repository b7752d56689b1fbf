import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { benchFolder } from '../bench-folder.ts'
import { startDaemon } from '../daemon.ts'
import { oneChannel } from '../documents.ts'
import { readUsage } from '../process-usage.ts'
import type { Scenario } from '../scenario.ts'

const IDLE_MS = 10_000

/** As `npm start` leaves it when nothing happens: one document, the journal, the document's cache warm. */
export const idleMemory: Scenario = {
  name: 'idle-memory',
  async run(effort, record) {
    const folder = benchFolder()
    const upstreams = { journal: { protocol: 'file', directory: join(folder.path, 'journal') } }
    try {
      const daemon = await startDaemon({ documents: oneChannel(), upstreams })
      try {
        for (let round = 0; round < effort.rounds(); round++) {
          await daemon.restart()
          await sleep(IDLE_MS)
          const { rssBytes, cpuMs } = readUsage(daemon.pid)
          record.add('idle with one document: RSS', 'MB', rssBytes / 1e6, { atMost: 140 })
          record.add('idle with one document: CPU since the start', 'ms', cpuMs)
        }
      } finally {
        await daemon.stop()
      }
    } finally {
      folder.remove()
    }
  },
}
