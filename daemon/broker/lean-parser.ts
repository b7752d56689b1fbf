import { createRequire } from 'node:module'

type Debug = (...args: unknown[]) => void
type CreateDebug = ((namespace: string) => Debug) & { enabled(namespace: string): boolean }

/**
 * Loads mqtt-packet, the parser of Aedes, so that its debug output costs nothing while it is off: it makes an array of arguments
 * for each of seventeen calls a packet, a quarter of all that main allocates. To be imported before Aedes is.
 */
function loadLean(): void {
  const aedes = createRequire(createRequire(import.meta.url).resolve('aedes'))
  const parser = createRequire(aedes.resolve('mqtt-packet'))
  const createDebug = parser('debug') as CreateDebug
  const cached = parser.cache[parser.resolve('debug')]
  // Somebody has asked for it by `DEBUG`.
  if (cached === undefined || createDebug.enabled('mqtt-packet:parser')) return
  cached.exports = (): Debug => () => undefined
  aedes('mqtt-packet')
  cached.exports = createDebug
}

loadLean()
