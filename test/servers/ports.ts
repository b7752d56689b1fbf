import { createServer } from 'node:net'

/** Below the range the kernel hands to outgoing connections, so that none of those takes a port between asking and listening. */
const LOWEST = 20_000
const COUNT = 12_000

/** Port numbers nobody listens on, each different. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = LOWEST + Math.floor(Math.random() * COUNT)
    if (!ports.has(port) && (await isFree(port))) ports.add(port)
  }
  return [...ports]
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  if (port === undefined) throw new Error('no free port')
  return port
}

/** The port of `host:port`. */
export function portOf(address: string | undefined): number {
  return Number(address?.split(':').at(-1))
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
