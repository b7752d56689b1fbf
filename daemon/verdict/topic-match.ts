import type { ChannelMatch, ChannelMatcher } from '../asyncapi/matching/channel-matcher.ts'
import type { ActiveChannel } from './compiled-document.ts'

/** The channels that a topic matches, for each document that describes it. */
export interface TopicMatch {
  topic: string
  matches: readonly ChannelMatch<ActiveChannel>[]
  /** A channel whose address fits the topic, but whose parameter refuses a value. */
  misfit: ReturnType<ChannelMatcher<ActiveChannel>['refusal']>
  /** The topic has passed the checks of its characters and length. */
  admitted: boolean
}
