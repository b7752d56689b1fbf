import type { Bridge } from '../asyncapi/contract/bridge.ts'
import type { Contract, ContractChannel, ContractMessage, ContractOperation } from '../asyncapi/contract/contract.ts'

/**
 * The `x-bridge` that holds for one message: message, operation, channel, server, document, nearest first, key by key. Of the
 * operations only those that go its way count. `message` is undefined for one that is none of the channel's.
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
