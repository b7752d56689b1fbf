import { createRequire } from 'node:module'

type Debug = (...args: unknown[]) => void
type CreateDebug = ((namespace: string) => Debug) & { enabled(namespace: string): boolean }

interface MqttPacket {
  writeToStream: { cacheNumbers: boolean }
}

/**
 * Loads mqtt-packet, which Aedes reads and writes packets with, so that it takes no more than it needs. Its debug output makes an
 * array of arguments for each of seventeen calls a packet even while it is off, a quarter of all that main allocates; and with the
 * first packet that it writes it keeps a buffer for each of 65,536 numbers, 13 MB. To be imported before Aedes is.
 */
function loadLean(): void {
  const aedes = createRequire(createRequire(import.meta.url).resolve('aedes'))
  const load = (): MqttPacket => aedes('mqtt-packet') as MqttPacket
  loadSilent(createRequire(aedes.resolve('mqtt-packet')), load)
  load().writeToStream.cacheNumbers = false
}

function loadSilent(parser: NodeJS.Require, load: () => unknown): void {
  const createDebug = parser('debug') as CreateDebug
  const cached = parser.cache[parser.resolve('debug')]
  // Somebody has asked for it by `DEBUG`.
  if (cached === undefined || createDebug.enabled('mqtt-packet:parser')) return
  cached.exports = (): Debug => () => undefined
  load()
  cached.exports = createDebug
}

loadLean()
