import type { AedesPublishPacket, PublishPacket } from 'aedes'

/** Nobody can subscribe to it. */
const NOWHERE = '$stepflow/nowhere'
const NOTHING = Buffer.alloc(0)

/** Lets Aedes acknowledge a packet and deliver it to nobody. QoS and packet id stay: without them there is no PUBACK. */
export function neutralise(packet: AedesPublishPacket | PublishPacket): void {
  packet.topic = NOWHERE
  packet.payload = NOTHING
  packet.retain = false
}
