import type { AedesPublishPacket, PublishPacket } from 'aedes'

/** A topic that no client may subscribe to. */
export const NOWHERE = '$stepflow/nowhere'
const NOTHING = Buffer.alloc(0)

/** Makes Aedes acknowledge a packet and deliver it to no client. QoS and packet id stay: without them there is no PUBACK. */
export function neutralise(packet: AedesPublishPacket | PublishPacket): void {
  packet.topic = NOWHERE
  packet.payload = NOTHING
  packet.retain = false
}
