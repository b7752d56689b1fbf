import { ChannelMatcher, type ChannelMatch } from '../asyncapi/channel-matcher.ts'
import type { Contract, ContractChannel } from '../asyncapi/contract.ts'
import { MessageValidator } from '../asyncapi/message-validator.ts'
import { SchemaCompiler } from '../asyncapi/schema-compiler.ts'
import { ChannelPlans } from './channel-plans.ts'
import { Generations } from './generations.ts'
import type { PlanBook } from './plan-book.ts'
import type { RoutingSettings } from './targets.ts'

/** A document that is in force. */
export interface ActiveDocument {
  name: string
  version: string
  contract: Contract
}

/** A channel of a document in force, with all that a message on it needs. */
export interface ActiveChannel {
  /** `name@version` */
  document: string
  channel: ContractChannel
  validator: MessageValidator
  plans: ChannelPlans
  /** Devices publish on it; false: we send on it, so that what a device publishes there stays local. */
  receives: boolean
}

/** What one topic belongs to: for each document that describes it, the channels that may be meant. */
export interface TopicMatch {
  topic: string
  matches: readonly ChannelMatch<ActiveChannel>[]
  /** A channel has the shape of the topic, a parameter does not fit. */
  misfit: ReturnType<ChannelMatcher<ActiveChannel>['refusal']>
}

const REMEMBERED_TOPICS = 20_000

/** The documents in force, made once per change of documents or routes. Topics that were seen lately are not matched again. */
export class Catalogue {
  readonly documents: readonly ActiveDocument[]
  readonly channelCount: number
  private readonly matchers: ChannelMatcher<ActiveChannel>[] = []
  private readonly remembered = new Generations<string, TopicMatch>(REMEMBERED_TOPICS)

  constructor(documents: readonly ActiveDocument[], settings: RoutingSettings, book: PlanBook) {
    this.documents = documents
    let channels = 0
    for (const document of documents) {
      const compiler = new SchemaCompiler()
      const matcher = new ChannelMatcher<ActiveChannel>(compiler)
      const validator = new MessageValidator(compiler)
      const label = `${document.name}@${document.version}`
      for (const channel of document.contract.channels) {
        channels++
        if (channel.address === null || onlyUpstream(document.contract, channel, settings.upstreams)) continue
        const receives =
          channel.operations.length === 0 || channel.operations.some((operation) => operation.action === 'receive')
        const plans = new ChannelPlans({
          document: label,
          contract: document.contract,
          channel,
          address: channel.address,
          receives,
          settings,
          book,
        })
        matcher.add(channel.address, channel.parameters, { document: label, channel, validator, plans, receives })
      }
      this.matchers.push(matcher)
    }
    this.channelCount = channels
  }

  find(topic: string): TopicMatch {
    const known = this.remembered.get(topic)
    if (known !== undefined) return known
    const matches: ChannelMatch<ActiveChannel>[] = []
    for (const matcher of this.matchers) {
      const match = matcher.match(topic)
      if (match !== undefined) matches.push(match)
    }
    let misfit: TopicMatch['misfit']
    if (matches.length === 0) for (const matcher of this.matchers) misfit ??= matcher.refusal(topic)
    const found = { topic, matches, misfit }
    this.remembered.set(topic, found)
    return found
  }
}

/** A channel whose servers are all upstreams is another server's: devices do not publish on it. */
function onlyUpstream(contract: Contract, channel: ContractChannel, upstreams: readonly string[]): boolean {
  const servers = contract.servers.filter(
    (server) => channel.servers.length === 0 || channel.servers.includes(server.name),
  )
  return (
    servers.length > 0 &&
    servers.every(
      (server) =>
        server.bridge.role === 'upstream' || (server.bridge.role === undefined && upstreams.includes(server.name)),
    )
  )
}
