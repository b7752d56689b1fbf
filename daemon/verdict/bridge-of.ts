import type { Bridge } from '../asyncapi/contract/bridge.ts'
import type { Contract, ContractChannel, ContractMessage, ContractOperation } from '../asyncapi/contract/contract.ts'

/**
 * Merges the `x-bridge` of message, operation, channel, server and document, key by key; the nearest wins. Only operations of
 * the given direction count.
 *
 * @param message undefined for a payload that fits no message of the channel
 */
export function bridgeOf(
  contract: Contract,
  channel: ContractChannel,
  message: ContractMessage | undefined,
  action: ContractOperation['action'],
): Bridge {
  const operations = channel.operations.filter(
    (operation) =>
      operation.action === action &&
      (message === undefined || operation.messages.length === 0 || operation.messages.includes(message.name)),
  )
  const servers = contract.servers.filter(
    (server) => channel.servers.length === 0 || channel.servers.includes(server.name),
  )
  const layers = [
    contract.bridge,
    ...servers.map((one) => one.bridge).reverse(),
    channel.bridge,
    ...operations.map((one) => one.bridge).reverse(),
    message?.bridge ?? {},
  ]
  return Object.assign({}, ...layers) as Bridge
}
