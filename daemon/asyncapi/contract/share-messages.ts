import type { Contract, ContractMessage } from './contract.ts'

/** A contract that was kept as JSON. */
export function contractFromJson(text: string): Contract {
  return shareMessages(JSON.parse(text) as Contract)
}

/**
 * Makes equal messages of a contract that was read from JSON one object again. Channels mostly refer to a few messages of their
 * document, and each has a copy in JSON, schemas included: of ten thousand channels half the memory.
 */
export function shareMessages(contract: Contract): Contract {
  const known = new Map<string, ContractMessage>()
  const shared = (message: ContractMessage): ContractMessage => {
    const text = JSON.stringify(message)
    const first = known.get(text) ?? message
    known.set(text, first)
    return first
  }
  for (const channel of contract.channels) channel.messages = channel.messages.map(shared)
  return contract
}
