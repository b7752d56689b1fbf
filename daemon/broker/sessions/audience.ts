import { createRequire } from 'node:module'
import { Generations } from '../../core/generations.ts'

/** The part of Qlobber that is used here; the package has no types. */
interface FilterTrie {
  add(filter: string, value: string): void
  remove(filter: string, value: string): void
  match(topic: string): string[]
}
const { Qlobber } = createRequire(import.meta.url)('qlobber') as { Qlobber: new (options: object) => FilterTrie }

const REMEMBERED_TOPICS = 20_000

/** The topic filters that local clients subscribe to, offline sessions included: whether a topic has any subscriber here. */
export class Audience {
  private readonly trie = new Qlobber({
    separator: '/',
    wildcard_one: '+',
    wildcard_some: '#',
    // An empty level is a level [MQTT-4.7.1-3].
    match_empty_levels: true,
  })
  /** Subscriptions to each filter. */
  private readonly counts = new Map<string, number>()
  private readonly sessions = new Map<string, Set<string>>()
  private heard = new Generations<string, boolean>(REMEMBERED_TOPICS)

  join(filter: string): void {
    const count = this.counts.get(filter) ?? 0
    this.counts.set(filter, count + 1)
    if (count > 0) return
    this.trie.add(filter, filter)
    this.heard = new Generations(REMEMBERED_TOPICS)
  }

  leave(filter: string): void {
    const count = this.counts.get(filter) ?? 0
    if (count > 1) return void this.counts.set(filter, count - 1)
    if (!this.counts.delete(filter)) return
    this.trie.remove(filter, filter)
    this.heard = new Generations(REMEMBERED_TOPICS)
  }

  /** Adds the subscriptions of a session that outlives its connection [MQTT-3.1.2-4]. */
  joinSession(clientId: string, filters: readonly string[]): void {
    const joined = this.sessions.get(clientId) ?? new Set()
    this.sessions.set(clientId, joined)
    for (const filter of filters) {
      if (joined.has(filter)) continue
      joined.add(filter)
      this.join(filter)
    }
  }

  /** Removes the given subscriptions of a session, or all of them when the session ends. */
  leaveSession(clientId: string, filters?: readonly string[]): void {
    const joined = this.sessions.get(clientId)
    for (const filter of filters ?? [...(joined ?? [])]) if (joined?.delete(filter) === true) this.leave(filter)
    if (joined?.size === 0) this.sessions.delete(clientId)
  }

  hears(topic: string): boolean {
    if (this.counts.size === 0) return false
    let heard = this.heard.get(topic)
    if (heard === undefined) this.heard.set(topic, (heard = this.trie.match(topic).length > 0))
    return heard
  }
}
