import type { Bridge, ForwardTarget } from '../asyncapi/contract/bridge.ts'
import { addressParameters } from '../asyncapi/matching/address.ts'
import type { RouteSettings } from '../settings/sections/route-settings.ts'
import type { Settings } from '../settings/settings.ts'
import type { Plan, PlanTarget } from './plan.ts'

export interface RoutingSettings {
  /** Names of the configured upstreams, in their order. */
  upstreams: readonly string[]
  routes: readonly RouteSettings[]
}

/** What routing needs of the settings. */
export function routingOf({ upstreams, routes }: Pick<Settings, 'upstreams' | 'routes'>): RoutingSettings {
  return { upstreams: Object.keys(upstreams), routes }
}

/** Topic and key that follow from the document alone, without x-bridge and routes. */
export interface PlainNames {
  /** Null where the address is made of parameters only; then the topic itself, with dots for slashes. */
  topic: string | null
  key: string | null
}

/** Reserved name of the embedded broker. Targets of this name are downlinks and never forwarded upwards. */
export const EMBEDDED_BROKER = 'broker'

/** The targets of a message: the nearest `forward`, else every route that matches, else every upstream.
 *
 * @param address of its channel
 */
export function targetsOf(
  bridge: Bridge,
  routes: readonly RouteSettings[],
  settings: RoutingSettings,
  plain: PlainNames,
  address: string | null,
): PlanTarget[] {
  const chosen: readonly (ForwardTarget & { from?: string })[] =
    bridge.forward ?? (routes.length > 0 ? routes : settings.upstreams.map((to) => ({ to })))
  return chosen
    .filter((target) => target.to !== EMBEDDED_BROKER && settings.upstreams.includes(target.to))
    .map((target) => complete(target, plain, address))
}

function complete(target: ForwardTarget & { from?: string }, plain: PlainNames, address: string | null): PlanTarget {
  const { from } = target
  const isNamed = from !== undefined && from !== address && addressParameters(from).length > 0
  return {
    to: target.to,
    address: target.topic ?? target.routingKey ?? plain.topic,
    key: target.key ?? plain.key,
    ...(target.exchange === undefined ? {} : { exchange: target.exchange }),
    ...(target.headers === undefined ? {} : { headers: target.headers }),
    ...(target.mandatory === undefined ? {} : { mandatory: target.mandatory }),
    ...(isNamed ? { from: [from] } : {}),
  }
}

/** The union of the targets of two documents that describe one topic; equal targets are merged. */
export function joinTargets(
  one: Pick<Plan, 'channel' | 'targets'>,
  other: Pick<Plan, 'channel' | 'targets'>,
): PlanTarget[] {
  const places = new Set(one.targets.map((target) => placeOf(target, one.channel)))
  const isSame = one.channel === other.channel || other.channel === null
  const added = other.targets
    .filter((target) => !places.has(placeOf(target, other.channel)))
    .map((target) => (isSame ? target : { ...target, from: [other.channel ?? '', ...(target.from ?? [])] }))
  return [...one.targets, ...added]
}

/** Identity of a target. Parameters are compared by position, because two documents may name one differently. */
function placeOf({ to, exchange, address, from = [] }: PlanTarget, channel: string | null): string {
  const places = new Map([channel ?? '', ...from].flatMap((one) => one.split('/').flatMap(parametersAt)))
  const template = address?.replaceAll(/\{([^{}]+)\}/g, (whole, name: string) => places.get(name) ?? whole)
  return JSON.stringify([to, exchange, template])
}

function parametersAt(level: string, index: number): [name: string, place: string][] {
  const shape = level.replaceAll(/\{[^{}]*\}/g, '*')
  return addressParameters(level).map((name, ordinal) => [name, `{${index} ${ordinal} ${shape}}`])
}
