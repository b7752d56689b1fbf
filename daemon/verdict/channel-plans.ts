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

/** How messages of one kind on one channel go on. In one piece: it is looked at for every message. */
export interface MessagePlan extends NumberedPlan {
  /** `plan.invalid` */
  invalid: boolean
  /** The row that its channel is counted in; undefined where it has none. */
  row: number | undefined
  /** Those of the other channels that it belongs to. */
  otherRows: readonly number[]
  /** Running time after which it is no longer wanted; 0 is never. */
  ttlMs: number
  /** What it survives once it is acknowledged; undefined: as the store's settings say. */
  durability: Bridge['durability']
}

const NO_ROWS: readonly number[] = []

interface OpenRoute {
  route: RouteSettings
  takes: (topic: string) => boolean
}

/** What is known of the messages of one kind; undefined: not asked for yet. */
interface Kind {
  readonly bridge: Bridge
  valid: MessagePlan | undefined
  invalid: MessagePlan | undefined
}

/** The plans of one channel, made when the first message needs them. Thousands of channels have one: it holds little until then. */
export class ChannelPlans {
  private readonly input: ChannelPlansInput
  private readonly fixedRoutes: RouteSettings[]
  /** Routes of which only the topic tells whether they are meant. */
  private readonly openRoutes: OpenRoute[]
  /** By message, and which of the open routes are meant. */
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

  /** Of a message of the channel; undefined for what is none of them, nor near to one. */
  bridgeOf(message: ContractMessage | undefined): Bridge {
    return this.kindOf(message).bridge
  }

  planFor(topic: string, message: ContractMessage): MessagePlan {
    if (this.openRoutes.length > 0) return this.planOn(topic, message, true)
    const kind = this.kindOf(message)
    kind.valid ??= this.make([], message, true)
    return kind.valid
  }

  /** Of an invalid message that goes on all the same; `nearest`: the message that it comes nearest to. */
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

  /** Where messages of one kind go; `open`: those of the routes that the topic decides about which are meant. */
  targets(message: ContractMessage | undefined, open: readonly RouteSettings[] = []): PlanTarget[] {
    const { channel, address, receives, settings } = this.input
    if (!receives) return []
    // In the order of the settings, whichever way they matched.
    const routes = settings.routes.filter((route) => this.fixedRoutes.includes(route) || open.includes(route))
    return targetsOf(this.bridgeOf(message), routes, settings, plainNames(channel), address)
  }

  /** Where the topic decides about routes. */
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
      // A channel that describes no message has one without a name.
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
