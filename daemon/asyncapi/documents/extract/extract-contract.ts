import { EdgeError } from '../../../core/errors.ts'
import type { Contract, ContractChannel } from '../../contract/contract.ts'
import { DocumentErrors } from '../source/document-errors.ts'
import type { Source } from '../source/read-source.ts'
import { defaultContentType } from './extract-message.ts'
import { extractServers } from './extract-servers.ts'
import { extractV2Channels } from './extract-v2.ts'
import { extractV3Channels } from './extract-v3.ts'
import { Extraction, optionalText, textOf } from './extraction.ts'
import { lintContract } from './lint-contract.ts'
import { BridgeReader } from './read-bridge.ts'

/**
 * Extracts the contract of a document that `readSource` has accepted. Parts that cannot be understood are left out and
 * listed in `diagnostics`. Throws DocumentErrors: `document-no-channels`, `document-invalid` (wrong values in x-bridge),
 * `document-limit` (too large after its references were followed).
 */
export function extractContract(source: Source): Contract {
  try {
    return extract(source)
  } catch (error) {
    // A chain of references can be deeper than the text nests.
    if (!(error instanceof RangeError)) throw error
    const message = 'The references of the document lead too deep.'
    throw new DocumentErrors([new EdgeError('document-limit', message, { cause: error, place: source.placeOf('') })])
  }
}

function extract(source: Source): Contract {
  const extraction = new Extraction(source)
  const { root } = extraction
  const bridges = new BridgeReader()
  const bridge = bridges.read(extraction, { value: root, pointer: '' }, 'document')
  const perspective = bridge.perspective ?? 'application'
  const info = extraction.object(root['info'], '/info')?.value ?? {}
  const servers = extractServers(extraction, bridges)
  const extracted = extraction.isV2 ? extractV2Channels(extraction, bridges) : extractV3Channels(extraction, bridges)
  const channels = perspective === 'device' ? extracted.map(reverseDirections) : extracted
  if (channels.length === 0) extraction.refuse('The document has no channels.', '/channels', 'document-no-channels')
  const components = extraction.object(root['components'], '/components')?.value ?? {}
  const schemes = extraction.entries(components['securitySchemes'], '/components/securitySchemes')
  const contract: Contract = {
    title: textOf(info['title']) ?? '',
    version: textOf(info['version']) ?? '',
    specification: extraction.version,
    ...optionalText('description', info['description']),
    defaultContentType: defaultContentType(extraction),
    perspective,
    servers,
    channels,
    securitySchemes: schemes.map(({ name, value }) => ({ id: name, scheme: extraction.expandObject(value) })),
    bridge,
    diagnostics: extraction.diagnostics,
  }
  if (extraction.errors.length > 0) throw new DocumentErrors(extraction.errors)
  lintContract(extraction, contract)
  return contract
}

/** Reverses the directions of a document that is written from the device's side: the gateway receives what it sends. */
function reverseDirections(channel: ContractChannel): ContractChannel {
  const operations = channel.operations.map((operation) => ({
    ...operation,
    action: operation.action === 'send' ? ('receive' as const) : ('send' as const),
  }))
  return { ...channel, operations }
}
