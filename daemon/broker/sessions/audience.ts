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
  /** Who subscribes to each filter: one subscriber that leaves twice does not leave for another one. */
  private readonly members = new Map<string, Set<object>>()
  private readonly sessions = new Map<string, Set<string>>()
  private heard = new Generations<string, boolean>(REMEMBERED_TOPICS)

  /** `member`: the subscription. Joining twice is joining once. */
  join(filter: string, member: object): void {
    const members = this.members.get(filter)
    if (members !== undefined) return void members.add(member)
    this.members.set(filter, new Set([member]))
    this.trie.add(filter, filter)
    this.heard = new Generations(REMEMBERED_TOPICS)
  }

  /** Does nothing where the member has not joined. */
  leave(filter: string, member: object): void {
    const members = this.members.get(filter)
    if (members?.delete(member) !== true || members.size > 0) return
    this.members.delete(filter)
    this.trie.remove(filter, filter)
    this.heard = new Generations(REMEMBERED_TOPICS)
  }

  /** Adds the subscriptions of a session that outlives its connection [MQTT-3.1.2-4]. */
  joinSession(clientId: string, filters: readonly string[]): void {
    if (filters.length === 0) return
    const joined = this.sessions.get(clientId) ?? new Set()
    this.sessions.set(clientId, joined)
    for (const filter of filters) {
      joined.add(filter)
      this.join(filter, joined)
    }
  }

  /** Removes the given subscriptions of a session, or all of them when the session ends. */
  leaveSession(clientId: string, filters?: readonly string[]): void {
    const joined = this.sessions.get(clientId)
    if (joined === undefined) return
    for (const filter of filters ?? [...joined]) {
      joined.delete(filter)
      this.leave(filter, joined)
    }
    if (joined.size === 0) this.sessions.delete(clientId)
  }

  hasSession(clientId: string): boolean {
    return this.sessions.has(clientId)
  }

  hears(topic: string): boolean {
    if (this.members.size === 0) return false
    let heard = this.heard.get(topic)
    if (heard === undefined) this.heard.set(topic, (heard = this.trie.match(topic).length > 0))
    return heard
  }
}
