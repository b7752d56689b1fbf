import type { Bridge, Contract, ContractChannel, ContractMessage, ContractOperation } from '../asyncapi/contract.ts'
import { plainNames } from '../asyncapi/default-names.ts'
import { parseDuration } from '../core/units.ts'
import type { RouteSettings } from '../settings/route-settings.ts'
import type { Tally } from '../telemetry/tally.ts'
import { bridgeOf } from './bridge-of.ts'
import type { NumberedPlan } from './plan.ts'
import type { PlanBook } from './plan-book.ts'
import { routeFit, routeTakes, targetsOf, type RoutingSettings } from './targets.ts'

export interface ChannelPlansInput {
  document: string
  contract: Contract
  channel: ContractChannel
  channelId: string
  address: string
  receives: boolean
  action: ContractOperation['action']
  settings: RoutingSettings
  book: PlanBook
  tally: Tally
}

/** How messages of one kind on one channel go on. */
export interface MessagePlan {
  numbered: NumberedPlan
  /** `numbered.plan.invalid` */
  invalid: boolean
  /** Counts of the channels that it belongs to. */
  tallies: readonly Tally[]
  /** Running time after which it is no longer wanted; 0 is never. */
  ttlMs: number
  /** What it survives once it is acknowledged; undefined: as the store's settings say. */
  durability: Bridge['durability']
}

/** The plans of one channel, made when the first message needs them. */
export class ChannelPlans {
  /** What holds for a message that is none of the channel's. */
  readonly bridge: Bridge
  private readonly input: ChannelPlansInput
  private readonly fixedRoutes: RouteSettings[]
  /** Routes of which only the topic tells whether they are meant. */
  private readonly openRoutes: RouteSettings[]
  private readonly made = new Map<string, MessagePlan>()
  private readonly byMessage = new Map<ContractMessage | undefined, MessagePlan>()

  constructor(input: ChannelPlansInput) {
    this.input = input
    this.bridge = bridgeOf(input.contract, input.channel, undefined, input.action)
    this.fixedRoutes = input.settings.routes.filter((route) => routeFit(route.from, input.address) === 'always')
    this.openRoutes = input.settings.routes.filter((route) => routeFit(route.from, input.address) === 'depends')
  }

  /** `message` is undefined for an invalid message that goes on all the same. */
  planFor(topic: string, message: ContractMessage | undefined): MessagePlan {
    if (this.openRoutes.length > 0) return this.make(topic, message)
    let plan = this.byMessage.get(message)
    if (plan === undefined) this.byMessage.set(message, (plan = this.make(topic, message)))
    return plan
  }

  private make(topic: string, message: ContractMessage | undefined): MessagePlan {
    const { document, contract, channel, channelId, address, receives, action, settings, book, tally } = this.input
    const open = this.openRoutes.filter((route) => routeTakes(route.from, topic))
    const key = `${message?.name ?? ''} ${message === undefined} ${open.map((route) => settings.routes.indexOf(route)).join(',')}`
    const known = this.made.get(key)
    if (known !== undefined) return known
    const bridge = bridgeOf(contract, channel, message, action)
    // In the order of the settings, whichever way they matched.
    const routes = settings.routes.filter((route) => this.fixedRoutes.includes(route) || open.includes(route))
    const targets = receives ? targetsOf(bridge, routes, settings, plainNames(channel)) : []
    const plan = {
      document,
      message: message?.name ?? null,
      channel: address,
      channelIds: [channelId],
      contentType: message?.contentType ?? null,
      lane: bridge.lane ?? 'live',
      targets,
      ...(message === undefined ? { invalid: true } : {}),
    }
    const ttlMs = bridge.ttl === undefined ? 0 : (parseDuration(bridge.ttl) ?? 0)
    const made = {
      numbered: book.number(plan),
      invalid: message === undefined,
      tallies: [tally],
      ttlMs,
      durability: bridge.durability,
    }
    this.made.set(key, made)
    return made
  }
}
