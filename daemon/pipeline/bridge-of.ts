import type { Bridge, Contract, ContractChannel, ContractMessage } from '../asyncapi/contract.ts'

/** The `x-bridge` that holds for one message: message, operation, channel, server, document, nearest first, key by key. */
export function bridgeOf(contract: Contract, channel: ContractChannel, message: ContractMessage | undefined): Bridge {
  const operations = channel.operations.filter(
    (operation) =>
      message === undefined || operation.messages.length === 0 || operation.messages.includes(message.name),
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
