import type { Bridge, ForwardTarget } from '../asyncapi/contract.ts'
import type { RouteSettings } from '../settings/route-settings.ts'
import type { PlanTarget } from './plan.ts'

export interface RoutingSettings {
  /** Names of the configured upstreams, in their order. */
  upstreams: readonly string[]
  routes: readonly RouteSettings[]
}

/** What a plain document gives where nothing else is said. */
export interface PlainNames {
  /** null where nothing of the address is left: the topic itself, with dots. */
  topic: string | null
  key: string | null
}

/** The name under which the embedded broker can be a target; what is meant for it goes down, not up. */
const EMBEDDED_BROKER = 'broker'

/** Where a message goes: the nearest `forward`, else every route that matches, else every upstream. */
export function targetsOf(
  bridge: Bridge,
  routes: readonly RouteSettings[],
  settings: RoutingSettings,
  plain: PlainNames,
): PlanTarget[] {
  const chosen: readonly ForwardTarget[] =
    bridge.forward ?? (routes.length > 0 ? routes : settings.upstreams.map((to) => ({ to })))
  return chosen
    .filter((target) => target.to !== EMBEDDED_BROKER && settings.upstreams.includes(target.to))
    .map((target) => complete(target, plain))
}

function complete(target: ForwardTarget, plain: PlainNames): PlanTarget {
  return {
    to: target.to,
    address: target.topic ?? target.routingKey ?? plain.topic,
    key: target.key ?? plain.key,
    ...(target.exchange === undefined ? {} : { exchange: target.exchange }),
    ...(target.headers === undefined ? {} : { headers: target.headers }),
    ...(target.mandatory === undefined ? {} : { mandatory: target.mandatory }),
  }
}

/** How a route's `from` stands to a channel's address. */
export type RouteFit = 'always' | 'depends' | 'never'

/** `from` is an address with parameters, or a topic filter. Where it names what the channel leaves open, the topic decides. */
export function routeFit(from: string, address: string): RouteFit {
  const wanted = from.split('/')
  const given = address.split('/')
  let fit: RouteFit = 'always'
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return fit
    const other = given[index]
    if (other === undefined) return 'never'
    if (isOpen(level) || level === other) continue
    if (!other.includes('{') && other !== '+') return 'never'
    fit = 'depends'
  }
  return wanted.length === given.length ? fit : 'never'
}

/** Whether a route's `from` takes a topic. */
export function routeTakes(from: string, topic: string): boolean {
  return routeFit(from, topic) === 'always'
}

function isOpen(level: string): boolean {
  return level === '+' || /^\{[^{}]*\}$/.test(level)
}
