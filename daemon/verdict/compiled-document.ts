import { channelIds } from '../asyncapi/contract/channel-ids.ts'
import type { Contract, ContractChannel, ContractOperation } from '../asyncapi/contract/contract.ts'
import { ChannelMatcher } from '../asyncapi/matching/channel-matcher.ts'
import type { ChannelCheck } from '../asyncapi/messages/channel-check.ts'
import { MessageValidator } from '../asyncapi/messages/message-validator.ts'
import { SchemaCompiler } from '../asyncapi/schemas/schema-compiler.ts'
import { atOnce } from '../core/turn.ts'
import type { Tally } from '../telemetry/statistics/tally.ts'
import { ChannelPlans } from './channel-plans.ts'
import type { PlanBook } from './plan-book.ts'
import type { RoutingSettings } from './targets.ts'

/** A document that is in force. */
export interface ActiveDocument {
  name: string
  version: string
  contract: Contract
}

/** A channel of a document in force, with everything that judging a message on it needs. */
export interface ActiveChannel {
  id: string
  /** `name@version` */
  document: string
  channel: ContractChannel
  /** Compiles the schemas when it is first called. */
  check: () => ChannelCheck
  plans: ChannelPlans
  tally: Tally
  /** Devices publish on it. False: the application sends on it, and what a device publishes there stays local. */
  receives: boolean
  /** The direction whose messages a publication is checked against. */
  action: ContractOperation['action']
  /** All its servers are upstreams: device topics never match it, and the API publishes to these upstreams alone. */
  upstreamOnly: boolean
}

export interface CompileContext {
  settings: RoutingSettings
  book: PlanBook
  tallyOf: (channelId: string, address: string, document: string) => Tally
}

/** One document in force: its channels by id, and the matcher for its topics. Schemas are compiled when the first message needs them. */
export class CompiledDocument {
  readonly source: ActiveDocument
  readonly matcher: ChannelMatcher<ActiveChannel>
  readonly channels = new Map<string, ActiveChannel>()
  private readonly context: CompileContext
  private readonly validator: MessageValidator

  private constructor(source: ActiveDocument, context: CompileContext) {
    const compiler = new SchemaCompiler()
    this.source = source
    this.context = context
    this.matcher = new ChannelMatcher<ActiveChannel>(compiler)
    this.validator = new MessageValidator(compiler)
  }

  /** Compiles one channel a step, so that the caller can serve devices between steps. */
  static *compiling(source: ActiveDocument, context: CompileContext): Generator<void, CompiledDocument> {
    const compiled = new CompiledDocument(source, context)
    const ids = channelIds(source.name, source.contract)
    for (const channel of source.contract.channels) {
      compiled.add(channel, ids.get(channel) ?? '')
      yield
    }
    return compiled
  }

  static compile(source: ActiveDocument, context: CompileContext): CompiledDocument {
    return atOnce(CompiledDocument.compiling(source, context))
  }

  /** Whether compiling the document under these settings would give the same again. */
  isOf({ name, version, contract }: ActiveDocument, settings: RoutingSettings): boolean {
    const { source, context } = this
    return (
      source.contract === contract &&
      source.name === name &&
      source.version === version &&
      context.settings === settings
    )
  }

  private add(channel: ContractChannel, id: string): void {
    const { name, version, contract } = this.source
    const { settings, book, tallyOf } = this.context
    const document = `${name}@${version}`
    const upstreams = upstreamsOf(contract, channel, settings.upstreams)
    const has = (action: ContractOperation['action']): boolean =>
      channel.operations.some((operation) => operation.action === action)
    const receives = upstreams !== undefined || channel.operations.length === 0 || has('receive')
    // The gateway sends to other servers; on its own, others send to it.
    const action: ContractOperation['action'] =
      has('send') && (upstreams !== undefined || !receives) ? 'send' : 'receive'
    const tally = tallyOf(id, channel.address ?? channel.id, document)
    const plans = new ChannelPlans({
      document,
      contract,
      channel,
      channelId: id,
      address: channel.address ?? channel.id,
      receives,
      action,
      settings: upstreams === undefined ? settings : { upstreams, routes: [] },
      book,
      tally,
    })
    const upstreamOnly = upstreams !== undefined
    const check = (): ChannelCheck => this.validator.of(channel)
    const active = { id, document, channel, check, plans, tally, receives, action, upstreamOnly }
    this.channels.set(id, active)
    if (channel.address !== null && !upstreamOnly) this.matcher.add(channel.address, channel.parameters, active)
  }
}

/** The configured upstreams among a channel's servers; undefined where one of its servers is this gateway. */
function upstreamsOf(
  contract: Contract,
  channel: ContractChannel,
  configured: readonly string[],
): string[] | undefined {
  const servers = contract.servers.filter(
    (server) => channel.servers.length === 0 || channel.servers.includes(server.name),
  )
  const isUpstream = servers.every(
    ({ bridge, name }) => bridge.role === 'upstream' || (bridge.role === undefined && configured.includes(name)),
  )
  return servers.length > 0 && isUpstream
    ? servers.map((server) => server.name).filter((name) => configured.includes(name))
    : undefined
}
