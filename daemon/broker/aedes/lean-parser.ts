import type { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import type { Client } from 'aedes'
import { ByteQueue } from './byte-queue.ts'
import { aedesRequire, isKnown, type Versions } from './known-versions.ts'

type Debug = (...args: unknown[]) => void
type CreateDebug = ((namespace: string) => Debug) & { enabled(namespace: string): boolean }

/** A parser of mqtt-packet from inside. Each step returns false when it needs more bytes. */
interface Parser extends EventEmitter {
  error: Error | null
  packet: { length: number }
  _list: ByteQueue
  _stateCounter: number
  _resetState(): void
  _parseHeader(): boolean
  _parseLength(): boolean
  _parsePayload(): boolean
  _newPacket(): boolean
  parse(bytes: Buffer): number
}

/**
 * Makes mqtt-packet's parser with less work for each packet (`ingest: CPU a message`): without debug output, whose seventeen calls a
 * packet each make an array even while it is off; with ByteQueue as its list of bytes; and with its steps called directly.
 */
export const leanParser: (() => Parser) | undefined = isKnown('mqtt-packet') ? loadLeanParser() : undefined

/**
 * Otherwise mqtt-packet keeps a buffer for each of 65,536 numbers from the first packet that it writes, 13 MB (`idle-memory`). This
 * switch is one for the module: an embedding program that shares it still writes the same bytes.
 */
Object.assign((aedesRequire('mqtt-packet') as { writeToStream: object }).writeToStream, { cacheNumbers: false })

/**
 * Gives a new connection a lean parser, before its first byte is read. Only this connection's parser is replaced: an embedding
 * program that uses Aedes or mqtt-packet keeps its own. Does nothing where the libraries are of other versions.
 */
export function useLeanParser(client: Client, versions?: Versions): void {
  if (leanParser === undefined || !isKnown('aedes', versions) || !isKnown('mqtt-packet', versions)) return
  const replaced = Reflect.get(client, '_parser') as EventEmitter & { _queue: unknown }
  const parser = Object.assign(leanParser(), { client, _queue: replaced._queue })
  for (const event of ['packet', 'error'])
    for (const listener of replaced.rawListeners(event)) parser.on(event, listener as (...args: unknown[]) => void)
  replaced.removeAllListeners()
  Object.assign(client, { _parser: parser })
}

/** Evaluates mqtt-packet's parser a second time, with other modules in place of two that it requires. */
function loadLeanParser(): () => Parser {
  const own = createRequire(aedesRequire.resolve('mqtt-packet'))
  const file = own.resolve('./parser')
  const shared = own.cache[file]
  delete own.cache[file]
  const createDebug = own('debug') as CreateDebug
  const debug = createDebug.enabled('mqtt-packet:parser') ? createDebug : (): Debug => () => undefined
  const copy = requireWith(
    own,
    'bl',
    () => new ByteQueue(),
    () => requireWith(own, 'debug', debug, () => own('./parser') as { prototype: object; parser: () => Parser }),
  )
  if (shared === undefined) delete own.cache[file]
  else own.cache[file] = shared
  Object.assign(copy.prototype, { parse })
  return () => copy.parser()
}

/** Modules that require `name` while `load` runs get `instead`. */
function requireWith<Result>(own: NodeJS.Require, name: string, instead: unknown, load: () => Result): Result {
  const real: unknown = own(name)
  const cached = own.cache[own.resolve(name)]
  if (cached !== undefined) cached.exports = instead
  try {
    return load()
  } finally {
    if (cached !== undefined) cached.exports = real
  }
}

/** In place of the parser's own `parse`. Returns how many bytes are left over. */
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
