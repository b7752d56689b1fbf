import { createRequire } from 'node:module'
import { ByteQueue } from './byte-queue.ts'

type Debug = (...args: unknown[]) => void
type CreateDebug = ((namespace: string) => Debug) & { enabled(namespace: string): boolean }

interface MqttPacket {
  writeToStream: { cacheNumbers: boolean }
}

/** What it knows of itself while it parses; each step answers false where it needs more bytes. */
interface Parser {
  error: Error | null
  packet: { length: number }
  _list: ByteQueue
  _stateCounter: number
  _resetState(): void
  _parseHeader(): boolean
  _parseLength(): boolean
  _parsePayload(): boolean
  _newPacket(): boolean
}

/** Of mqtt-packet. Whatever else is installed is left as it is. */
const KNOWN_VERSION = '9.0.2'

/**
 * Loads mqtt-packet, which Aedes reads and writes packets with, so that it takes no more than it needs. Its debug output makes an
 * array of arguments for each of seventeen calls a packet even while it is off; its list of bytes makes nine Buffers for each
 * PUBLISH; its steps are looked up by name; and with the first packet that it writes it keeps a buffer for each of 65,536 numbers,
 * 13 MB. To be imported before Aedes is.
 */
function loadLean(): void {
  const aedes = createRequire(createRequire(import.meta.url).resolve('aedes'))
  const load = (): MqttPacket => aedes('mqtt-packet') as MqttPacket
  const own = createRequire(aedes.resolve('mqtt-packet'))
  if ((own('./package.json') as { version: string }).version === KNOWN_VERSION) {
    loadWith(
      own,
      'bl',
      () => new ByteQueue(),
      () => loadSilent(own, load),
    )
    Object.assign((own('./parser') as { prototype: object }).prototype, { parse })
  } else loadSilent(own, load)
  load().writeToStream.cacheNumbers = false
}

function loadSilent(own: NodeJS.Require, load: () => unknown): void {
  const createDebug = own('debug') as CreateDebug
  // Somebody has asked for it by `DEBUG`.
  if (createDebug.enabled('mqtt-packet:parser')) load()
  else loadWith(own, 'debug', (): Debug => () => undefined, load)
}

/** Whoever asks for the module `name` while `load` runs gets `instead`. */
function loadWith(own: NodeJS.Require, name: string, instead: unknown, load: () => unknown): void {
  const real: unknown = own(name)
  const cached = own.cache[own.resolve(name)]
  if (cached === undefined) return
  cached.exports = instead
  load()
  cached.exports = real
}

/** In place of the parser's own; returns how many bytes are left over. */
function parse(this: Parser, bytes: Buffer): number {
  if (this.error !== null) this._resetState()
  this._list.append(bytes)
  while ((this.packet.length !== -1 || this._list.length > 0) && takeStep(this) && this.error === null)
    this._stateCounter = (this._stateCounter + 1) % 4
  return this._list.length
}

function takeStep(parser: Parser): boolean {
  if (parser._stateCounter === 0) return parser._parseHeader()
  if (parser._stateCounter === 1) return parser._parseLength()
  if (parser._stateCounter === 2) return parser._parsePayload()
  return parser._newPacket()
}

loadLean()
