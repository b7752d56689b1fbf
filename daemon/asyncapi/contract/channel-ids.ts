import { createHash } from 'node:crypto'
import type { Contract, ContractChannel } from './contract.ts'

const ID_LENGTH = 24

/**
 * Ids of a document's channels, the same in every version: hashes of the document's name and the address. If several
 * channels share an address, the hash of all but the first includes the channel's id in the document, as it does for a
 * channel without an address.
 */
export function channelIds(documentName: string, contract: Contract): Map<ContractChannel, string> {
  const taken = new Set<string>()
  return new Map(
    contract.channels.map((channel) => {
      const { address, id } = channel
      const joins = address === null || taken.has(address)
      if (address !== null) taken.add(address)
      return [channel, hash(joins ? [documentName, address, id] : [documentName, address])]
    }),
  )
}

/** The id of a message on a channel, the same in every version of the document. */
export function messageId(channelId: string, messageName: string): string {
  return hash([channelId, messageName])
}

function hash(parts: readonly (string | null)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, ID_LENGTH)
}
