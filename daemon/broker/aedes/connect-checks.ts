import type { ConnectPacket } from 'aedes'
import type { RefusalReason } from '../connection-traces.ts'
import { hasWildcard } from '../topic-rules.ts'

interface ConnectRefusal {
  reason: RefusalReason
  /** The CONNACK. Without one the connection is closed in silence [MQTT-4.8.0-1]. */
  answer?: Buffer
  detail: object
}

/** As version 5 writes it: no flags, reason 0x84 (unsupported protocol version), no properties. */
const UNSUPPORTED_VERSION = Buffer.from([0x20, 3, 0, 0x84, 0])
const IDENTIFIER_REJECTED = Buffer.from([0x20, 2, 0, 2])

/** Why a CONNECT is refused that Aedes would answer otherwise, or accept. */
export function refusalOf({ protocolVersion, clientId, clean, will }: ConnectPacket): ConnectRefusal | undefined {
  if (protocolVersion === 5)
    return { reason: 'version', answer: UNSUPPORTED_VERSION, detail: { version: protocolVersion } }
  // A session that is to be kept needs a name [MQTT-3.1.3-8].
  if (clientId === '' && clean === false)
    return { reason: 'client-id', answer: IDENTIFIER_REJECTED, detail: { detail: 'no client id, no clean session' } }
  if (will !== undefined && hasWildcard(will.topic)) return { reason: 'will-topic', detail: { topic: will.topic } }
  return undefined
}
