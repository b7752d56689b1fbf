import type { ChannelMatch, ChannelMatcher } from '../asyncapi/matching/channel-matcher.ts'
import type { ActiveChannel } from './compiled-document.ts'

/** The channels that a topic matches, for each document that describes it. */
export interface TopicMatch {
  topic: string
  matches: readonly ChannelMatch<ActiveChannel>[]
  /** A channel has the shape of the topic, a parameter does not fit. */
  misfit: ReturnType<ChannelMatcher<ActiveChannel>['refusal']>
  /** It may be published on: it holds nothing that a topic may not. */
  admitted: boolean
}
