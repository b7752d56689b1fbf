import { createRequire } from 'node:module'
import { Generations } from '../../core/generations.ts'

/** What is used here of Qlobber; the package has no types. */
interface FilterTrie {
  add(filter: string, value: string): void
  remove(filter: string, value: string): void
  match(topic: string): string[]
}
const { Qlobber } = createRequire(import.meta.url)('qlobber') as { Qlobber: new (options: object) => FilterTrie }

const REMEMBERED_TOPICS = 20_000

/** Who listens here: the topic filters that are subscribed to, those of sessions that are offline included. */
export class Audience {
  private readonly trie = new Qlobber({
    separator: '/',
    wildcard_one: '+',
    wildcard_some: '#',
    // [MQTT-4.7.1-3]
    match_empty_levels: true,
  })
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

  /** A session that outlives its connection has subscribed. */
  keep(clientId: string, filters: readonly string[]): void {
    const kept = this.sessions.get(clientId) ?? new Set()
    this.sessions.set(clientId, kept)
    for (const filter of filters) {
      if (kept.has(filter)) continue
      kept.add(filter)
      this.join(filter)
    }
  }

  /** It has unsubscribed, or is gone: then from all. */
  forget(clientId: string, filters?: readonly string[]): void {
    const kept = this.sessions.get(clientId)
    for (const filter of filters ?? [...(kept ?? [])]) if (kept?.delete(filter) === true) this.leave(filter)
    if (kept?.size === 0) this.sessions.delete(clientId)
  }

  /** Whether anybody gets what is published on a topic. */
  hears(topic: string): boolean {
    if (this.counts.size === 0) return false
    let heard = this.heard.get(topic)
    if (heard === undefined) this.heard.set(topic, (heard = this.trie.match(topic).length > 0))
    return heard
  }
}
