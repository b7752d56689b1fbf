import type { ChannelMatch } from '../asyncapi/matching/channel-matcher.ts'
import type { Trail } from '../ports/publication.ts'
import { CompiledDocument, type ActiveChannel, type ActiveDocument, type CompileContext } from './compiled-document.ts'
import { DirectCheck } from './direct-check.ts'
import type { TopicMatch } from './topic-match.ts'
import { TopicMemory } from './topic-memory.ts'

/** A topic that was looked up. Once a message has passed, its direct check takes the place of the match, where there is one. */
export type KnownTopic = TopicMatch | DirectCheck

const REMEMBERED_TOPICS = 20_000

/** The documents in force, built anew when documents or routes change. Matches of recent topics are cached. */
export class Catalogue {
  readonly documents: readonly ActiveDocument[]
  readonly compiled: readonly CompiledDocument[]
  private readonly byId: ReadonlyMap<string, ActiveChannel>
  private readonly remembered = new TopicMemory<KnownTopic>(REMEMBERED_TOPICS)

  /** @param known documents that are compiled already; they are reused where the routing settings are the same. */
  constructor(documents: readonly ActiveDocument[], context: CompileContext, known: readonly CompiledDocument[] = []) {
    this.documents = documents
    this.compiled = documents.map(
      (document) =>
        known.find((one) => one.isOf(document, context.settings)) ?? CompiledDocument.compile(document, context),
    )
    this.byId = new Map(this.compiled.flatMap(({ channels }) => [...channels]))
  }

  /** A channel of a document in force. */
  channel(id: string): ActiveChannel | undefined {
    return this.byId.get(id)
  }

  /** The cached match of a topic that was seen lately; undefined where it has to be looked up. */
  recall(topic: string, trail?: Trail): KnownTopic | undefined {
    return this.remembered.get(topic, trail)
  }

  lookUp(topic: string): KnownTopic {
    return this.remembered.get(topic) ?? this.matchDocuments(topic)
  }

  matchOf(topic: string): TopicMatch {
    const known = this.lookUp(topic)
    return known instanceof DirectCheck ? known.match : known
  }

  /** Ids of the channels that a topic matches. */
  channelIds(topic: string): string[] {
    return this.matchOf(topic).matches.flatMap(({ values }) => values.map(({ id }) => id))
  }

  /** Later messages on the topic of `direct` are judged by it. */
  cacheDirectCheck(direct: DirectCheck): void {
    this.remembered.set(direct.match.topic, direct)
  }

  private matchDocuments(topic: string): TopicMatch {
    const matches: ChannelMatch<ActiveChannel>[] = []
    for (const { matcher } of this.compiled) {
      const match = matcher.match(topic)
      if (match !== undefined) matches.push(match)
    }
    let misfit: TopicMatch['misfit']
    if (matches.length === 0) for (const { matcher } of this.compiled) misfit ??= matcher.refusal(topic)
    const found = { topic, matches, misfit, admitted: false }
    this.remembered.set(topic, found)
    return found
  }
}
