import { join } from 'node:path'
import { startChild } from '../../test/servers/child.ts'
import { freePort } from '../../test/servers/ports.ts'
import { canConnect, waitUntil } from '../../test/servers/wait-until.ts'
import { benchFolder } from './bench-folder.ts'
import { type LoadOptions, publishTotal } from './load.ts'
import { readUsage } from './process-usage.ts'

export interface BareFigures {
  rate: number
  cpuMicroseconds: number
}

/** One run against Aedes alone, as the gateway's are made. */
export async function measureBareAedes(warmUp: number, total: number, load: LoadOptions = {}): Promise<BareFigures> {
  const folder = benchFolder()
  const port = await freePort()
  const args = [join(import.meta.dirname, 'bare-aedes.ts'), '--port', String(port)]
  const child = startChild(process.execPath, args, { logFile: join(folder.path, 'log') })
  try {
    await waitUntil(
      () => `Aedes listens\n${child.log()}`,
      () => canConnect(port),
    )
    await publishTotal(port, warmUp, load)
    const before = readUsage(child.pid)
    const { rate } = await publishTotal(port, total, load)
    const after = readUsage(child.pid)
    return { rate, cpuMicroseconds: ((after.cpuMs - before.cpuMs) * 1000) / total }
  } finally {
    child.signal('SIGKILL')
    await child.exited
    folder.remove()
  }
}
