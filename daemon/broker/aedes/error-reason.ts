import type { Client } from 'aedes'
import { systemCode } from '../../core/errors.ts'
import type { CloseReason, RefusalReason } from '../connection-traces.ts'
import { stateOf } from './clients.ts'

export type ErrorReason = { refused: RefusalReason } | { closed: CloseReason }

/** Return codes of CONNACK that Aedes puts into its errors; 6 is its own. */
const BY_RETURN_CODE: Readonly<Record<number, RefusalReason>> = {
  1: 'version',
  2: 'client-id',
  4: 'credentials',
  5: 'credentials',
  6: 'keep-alive-limit',
}

/**
 * Reason for which Aedes ends a connection with an error; undefined where the client or the network ended it, or where it has been
 * traced. Aedes' errors have no codes: what it was doing tells them apart.
 */
export function reasonOf(client: Client, error: Error): ErrorReason | undefined {
  if (stateOf(client).ended || systemCode(error) !== undefined) return undefined
  if (Reflect.get(client, '_disconnected') === true) return undefined
  const returnCode: unknown = Reflect.get(error, 'errorCode')
  if (typeof returnCode === 'number') return { refused: BY_RETURN_CODE[returnCode] ?? 'packet' }
  const parser: unknown = Reflect.get(client, '_parser')
  const isMalformed = typeof parser === 'object' && parser !== null && Reflect.get(parser, 'error') === error
  // `info` is a packet that must not come at this time.
  const isPacket = isMalformed || 'info' in error
  if (!client.connected && !client.connecting) {
    const isKnown = typeof Reflect.get(client, 'id') === 'string'
    if (isPacket) return isKnown ? { closed: 'packet' } : { refused: 'packet' }
    // Aedes goes on with packets of a connection that has ended, and fails to answer them.
    return isKnown ? undefined : { refused: 'connect-timeout' }
  }
  if (isPacket) return { closed: 'packet' }
  return { closed: client.conn.writableLength >= client.conn.writableHighWaterMark ? 'not-reading' : 'protocol' }
}
