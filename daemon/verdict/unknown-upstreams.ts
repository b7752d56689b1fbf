import type { Contract } from '../asyncapi/contract/contract.ts'
import { EMBEDDED_BROKER } from './targets.ts'

/** The upstreams that a document forwards to and the settings do not have. */
export function unknownUpstreams(contract: Contract, upstreams: readonly string[]): string[] {
  const { bridge, servers, channels } = contract
  const bridges = [
    bridge,
    ...servers.map((server) => server.bridge),
    ...channels.flatMap((channel) => [
      channel.bridge,
      ...channel.operations.map((operation) => operation.bridge),
      ...channel.messages.map((message) => message.bridge),
    ]),
  ]
  const named = bridges.flatMap(({ forward = [] }) => forward.map(({ to }) => to))
  return [...new Set(named)].filter((to) => to !== EMBEDDED_BROKER && !upstreams.includes(to))
}

export function unknownUpstreamText(to: string): string {
  return `x-bridge forwards to ${JSON.stringify(to.slice(0, 100))}, which is not in upstreams: nothing goes there.`
}
