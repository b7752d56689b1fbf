import type { Bridge } from '../asyncapi/contract/bridge.ts'
import type { Contract, ContractChannel, ContractMessage, ContractOperation } from '../asyncapi/contract/contract.ts'
import { plainNames } from '../asyncapi/matching/default-names.ts'
import { parseDuration } from '../core/units.ts'
import type { RouteSettings } from '../settings/sections/route-settings.ts'
import type { Tally } from '../telemetry/statistics/tally.ts'
import { bridgeOf } from './bridge-of.ts'
import type { PlanBook } from './plan-book.ts'
import type { NumberedPlan, PlanTarget } from './plan.ts'
import { routeFit, topicTest } from './route-fit.ts'
import { targetsOf, type RoutingSettings } from './targets.ts'

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

/** Destinations, lifetime and counters of one message definition on one channel. One object, because every message reads it. */
export interface MessagePlan extends NumberedPlan {
  /** `plan.invalid` */
  invalid: boolean
  /** Row of the channel in the statistics table; undefined where the channel is not counted. */
  row: number | undefined
  /** Rows of the other channels that the message belongs to. */
  otherRows: readonly number[]
  /** Milliseconds of running time until the message expires; 0 is never. */
  ttlMs: number
  /** The failure that an acknowledged message survives; undefined takes the store's setting. */
  durability: Bridge['durability']
}

const NO_ROWS: readonly number[] = []

interface OpenRoute {
  route: RouteSettings
  takes: (topic: string) => boolean
}

/** Bridge and plans of one message definition; a plan is undefined until the first message needs it. */
interface Kind {
  readonly bridge: Bridge
  valid: MessagePlan | undefined
  invalid: MessagePlan | undefined
}

/** The plans of one channel, made when the first message needs them, so that thousands of unused channels stay small. */
export class ChannelPlans {
  private readonly input: ChannelPlansInput
  private readonly fixedRoutes: RouteSettings[]
  /** Routes whose `from` matches some topics of the channel only. */
  private readonly openRoutes: OpenRoute[]
  /** Keyed by message and by the open routes that match. */
  private made: Map<string, MessagePlan> | undefined
  private readonly kinds = new Map<ContractMessage | undefined, Kind>()

  constructor(input: ChannelPlansInput) {
    this.input = input
    const { routes } = input.settings
    this.fixedRoutes = routes.filter((route) => routeFit(route.from, input.address) === 'always')
    this.openRoutes = routes
      .filter((route) => routeFit(route.from, input.address) === 'depends')
      .map((route) => ({ route, takes: topicTest(route.from) }))
  }

  /** @param message undefined for a payload that comes near to no message of the channel */
  bridgeOf(message: ContractMessage | undefined): Bridge {
    return this.kindOf(message).bridge
  }

  planFor(topic: string, message: ContractMessage): MessagePlan {
    if (this.openRoutes.length > 0) return this.planOn(topic, message, true)
    const kind = this.kindOf(message)
    kind.valid ??= this.make([], message, true)
    return kind.valid
  }

  /** The plan of an invalid message that is forwarded all the same (`tag`, `pass`). `nearest`: the message it resembles most. */
  planForInvalid(topic: string, nearest: ContractMessage | undefined): MessagePlan {
    if (this.openRoutes.length > 0) return this.planOn(topic, nearest, false)
    const kind = this.kindOf(nearest)
    kind.invalid ??= this.make([], nearest, false)
    return kind.invalid
  }

  private kindOf(message: ContractMessage | undefined): Kind {
    const known = this.kinds.get(message)
    if (known !== undefined) return known
    const { contract, channel, action } = this.input
    const kind = { bridge: bridgeOf(contract, channel, message, action), valid: undefined, invalid: undefined }
    this.kinds.set(message, kind)
    return kind
  }

  /** The targets of one message definition. `open`: the open routes that match the topic. */
  targets(message: ContractMessage | undefined, open: readonly RouteSettings[] = []): PlanTarget[] {
    const { channel, address, receives, settings } = this.input
    if (!receives) return []
    // Targets keep the order of the settings.
    const routes = settings.routes.filter((route) => this.fixedRoutes.includes(route) || open.includes(route))
    return targetsOf(this.bridgeOf(message), routes, settings, plainNames(channel), address)
  }

  /** The plan where open routes have to be tested against the topic. */
  private planOn(topic: string, message: ContractMessage | undefined, isValid: boolean): MessagePlan {
    const open = this.openRoutes.filter((one) => one.takes(topic)).map((one) => one.route)
    const { routes } = this.input.settings
    const key = `${message?.name ?? ''} ${isValid} ${open.map((route) => routes.indexOf(route)).join(',')}`
    this.made ??= new Map()
    let plan = this.made.get(key)
    if (plan === undefined) this.made.set(key, (plan = this.make(open, message, isValid)))
    return plan
  }

  private make(open: readonly RouteSettings[], message: ContractMessage | undefined, isValid: boolean): MessagePlan {
    const { document, channelId, address, book, tally } = this.input
    const bridge = this.bridgeOf(message)
    const targets = this.targets(message, open)
    const described = isValid ? message : undefined
    const plan = {
      document,
      // The stand-in for a channel without messages has an empty name.
      message: described?.name || null,
      channel: address,
      channelIds: [channelId],
      contentType: described?.contentType ?? null,
      lane: bridge.lane ?? 'live',
      targets,
      ...(isValid ? {} : { invalid: true }),
    }
    const ttlMs = bridge.ttl === undefined ? 0 : (parseDuration(bridge.ttl) ?? 0)
    const { durability } = bridge
    return { ...book.number(plan), invalid: !isValid, row: tally.row, otherRows: NO_ROWS, ttlMs, durability }
  }
}
