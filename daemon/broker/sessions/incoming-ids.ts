import type { SessionStore } from '../../ports/publication.ts'

/**
 * Never a packet id [MQTT-2.3.1-1]. Stands in the store beside the packet ids of a session that also has subscriptions: those are in
 * memory, so after a restart the session cannot be resumed, and its packet ids mean nothing any more.
 */
const HAS_SUBSCRIPTIONS = 0

/** A packet id of QoS 2 that awaits its PUBREL. */
export interface OpenId {
  /** Until the message is stored. */
  stored: Promise<void> | undefined
  /** Of topic and payload; undefined for a message of before the restart. */
  print: number | undefined
}

/**
 * Packet ids of QoS 2 messages that are stored and not released yet, by client id. They belong to a session [MQTT-4.1.0-1]: where it
 * is not resumed they are forgotten, else a new message under an old id would be taken for a retransmission.
 */
export class IncomingIds {
  private readonly store: SessionStore
  private readonly open = new Map<string, Map<number, OpenId>>()
  /** Sessions with subscriptions. */
  private readonly subscribed = new Set<string>()
  /** Those of them that the store knows about. */
  private readonly marked = new Set<string>()
  /** Sessions whose subscriptions were lost by a restart. */
  private readonly incomplete = new Set<string>()

  constructor(store: SessionStore) {
    this.store = store
    for (const [clientId, packetIds] of store.incoming) {
      const ids = [...packetIds].filter((id) => id !== HAS_SUBSCRIPTIONS)
      if (ids.length === 0) {
        store.clearIncoming(clientId)
        continue
      }
      this.open.set(clientId, new Map(ids.map((id) => [id, { stored: undefined, print: undefined }])))
      if (ids.length < packetIds.size) this.incomplete.add(clientId)
    }
  }

  /** Whether a session without subscriptions is there to be resumed: all that it has are packet ids. */
  isResumable(clientId: string): boolean {
    return this.open.has(clientId) && !this.incomplete.has(clientId)
  }

  find(clientId: string, packetId: number): OpenId | undefined {
    return this.open.get(clientId)?.get(packetId)
  }

  /** The id is known from now on; its own row goes with the message. */
  add(clientId: string, packetId: number, id: OpenId): void {
    const known = this.open.get(clientId)
    if (known === undefined) this.open.set(clientId, new Map([[packetId, id]]))
    else known.set(packetId, id)
    this.mark(clientId)
  }

  /** The message could not be stored. Nothing happens where the id stands for another one by now. */
  drop(clientId: string, packetId: number, id: OpenId): void {
    const known = this.open.get(clientId)
    if (known?.get(packetId) === id) this.remove(clientId, packetId, known)
  }

  /** The id is free again when `done` is called. Returns false where it is not known. */
  release(clientId: string, packetId: number, done: () => void): boolean {
    const known = this.open.get(clientId)
    if (known?.has(packetId) !== true) return false
    this.remove(clientId, packetId, known)
    this.store.forgetIncoming(clientId, packetId, done)
    return true
  }

  /** The session has ended, or is not resumed. */
  clear(clientId: string): void {
    const known = [this.open.delete(clientId), this.marked.delete(clientId), this.incomplete.delete(clientId)]
    if (known.includes(true)) this.store.clearIncoming(clientId)
  }

  sessionSubscribes(clientId: string): void {
    this.subscribed.add(clientId)
    if (this.open.has(clientId)) this.mark(clientId)
  }

  sessionHasNoSubscription(clientId: string): void {
    this.subscribed.delete(clientId)
    if (this.marked.delete(clientId)) this.store.forgetIncoming(clientId, HAS_SUBSCRIPTIONS, () => undefined)
  }

  private mark(clientId: string): void {
    if (!this.subscribed.has(clientId) || this.marked.has(clientId)) return
    this.marked.add(clientId)
    this.store.rememberIncoming(clientId, HAS_SUBSCRIPTIONS)
  }

  private remove(clientId: string, packetId: number, known: Map<number, OpenId>): void {
    known.delete(packetId)
    if (known.size === 0) this.open.delete(clientId)
  }
}
