import type { ChannelMatch, ChannelMatcher } from '../asyncapi/channel-matcher.ts'
import { DirectCheck } from './direct-check.ts'
import { CompiledDocument, type ActiveChannel, type ActiveDocument, type CompileContext } from './compiled-document.ts'
import type { Trail } from '../broker/publish-port.ts'
import { TopicMemory } from './topic-memory.ts'

/** What one topic belongs to: for each document that describes it, the channels that may be meant. */
export interface TopicMatch {
  topic: string
  matches: readonly ChannelMatch<ActiveChannel>[]
  /** A channel has the shape of the topic, a parameter does not fit. */
  misfit: ReturnType<ChannelMatcher<ActiveChannel>['refusal']>
  /** It may be published on: it holds nothing that a topic may not. */
  admitted: boolean
}

/** A topic that was looked up: once a message has passed, the short way of judging takes the place of the match, where there is one. */
export type KnownTopic = TopicMatch | DirectCheck

const REMEMBERED_TOPICS = 20_000

/** The documents in force, made once per change of documents or routes. Topics that were seen lately are not matched again. */
export class Catalogue {
  readonly documents: readonly ActiveDocument[]
  readonly compiled: readonly CompiledDocument[]
  private readonly byId: ReadonlyMap<string, ActiveChannel>
  private readonly remembered = new TopicMemory<KnownTopic>(REMEMBERED_TOPICS)

  /** `known`: documents that were compiled already, taken over where the settings are the same. */
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

  /** What is known of a topic that was seen lately. */
  recall(topic: string, trail?: Trail): KnownTopic | undefined {
    return this.remembered.get(topic, trail)
  }

  know(topic: string): KnownTopic {
    return this.remembered.get(topic) ?? this.lookUp(topic)
  }

  find(topic: string): TopicMatch {
    const known = this.know(topic)
    return known instanceof DirectCheck ? known.match : known
  }

  /** From now on a topic is judged the short way. */
  shorten(direct: DirectCheck): void {
    this.remembered.set(direct.match.topic, direct)
  }

  private lookUp(topic: string): TopicMatch {
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
