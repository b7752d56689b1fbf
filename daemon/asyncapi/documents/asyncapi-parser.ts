import { EdgeError, messageOf } from '../../core/errors.ts'
import type {
  Contract,
  ContractChannel,
  ContractMessage,
  ContractOperation,
  ContractParameter,
  ContractServer,
} from '../contract/contract.ts'
import { loadDocument, type LoadOptions } from './load-document.ts'

export interface ParseOptions {
  /** `strict` (the default) refuses a document with any error; `lenient` accepts what can be understood. */
  mode?: 'strict' | 'lenient'
  /** Named in the places of errors; the file is not read. */
  file?: string
}

/** A message, and the channel that carries it. */
export interface ChannelMessage {
  /** The channel's id in the document. */
  channelId: string
  message: ContractMessage
}

export interface ChannelOperation {
  channelId: string
  operation: ContractOperation
}

export interface ChannelParameter {
  channelId: string
  parameter: ContractParameter
}

/** The bindings of one place of the document, by protocol. */
export interface PlacedBindings {
  place: 'server' | 'channel' | 'operation' | 'message'
  /** Name of the server, id of the channel or operation, name of the message. */
  name: string
  /** Set for channels, operations and messages. */
  channelId?: string
  bindings: Readonly<Record<string, unknown>>
}

/**
 * Reads AsyncAPI documents of versions 2.0 to 2.6, 3.0 and 3.1, for programs that embed the gateway. `parseDocument`
 * returns the contract that the gateway itself works with; the other methods return parts of it.
 */
export class AsyncApiParser {
  private readonly options: LoadOptions

  constructor(options: LoadOptions = {}) {
    this.options = options
  }

  /**
   * Checks a document, given as YAML or JSON text or as an object, in a child process. Rejects with DocumentErrors, whose
   * `errors` have line and column, or with EdgeError `document-limit` or `document-check-failed`.
   */
  async parseDocument(content: string | object, options: ParseOptions = {}): Promise<Contract> {
    const { mode = 'strict', file } = options
    const text = typeof content === 'string' ? content : textOf(content)
    return loadDocument({ text, mode, ...(file === undefined ? {} : { file }) }, this.options)
  }

  /** All channels in the order of the document, including those without an address. */
  extractChannels(contract: Contract): readonly ContractChannel[] {
    return contract.channels
  }

  /** The messages of one channel, by its id in the document, or of all channels; empty for an unknown channel. */
  extractMessages(contract: Contract, channelId?: string): ChannelMessage[] {
    return channelsOf(contract, channelId).flatMap(({ id, messages }) =>
      messages.map((message) => ({ channelId: id, message })),
    )
  }

  /** The servers, with defaults in place of their variables. */
  extractServers(contract: Contract): readonly ContractServer[] {
    return contract.servers
  }

  /** The security schemes of the components, by name. */
  extractSecuritySchemes(contract: Contract): Contract['securitySchemes'] {
    return contract.securitySchemes
  }

  /** The address parameters, declared or not, of one channel or of all. */
  extractParameters(contract: Contract, channelId?: string): ChannelParameter[] {
    return channelsOf(contract, channelId).flatMap(({ id, parameters }) =>
      parameters.map((parameter) => ({ channelId: id, parameter })),
    )
  }

  /** The operations of one channel or of all; directions are those of the gateway, after `perspective` was applied. */
  extractOperations(contract: Contract, channelId?: string): ChannelOperation[] {
    return channelsOf(contract, channelId).flatMap(({ id, operations }) =>
      operations.map((operation) => ({ channelId: id, operation })),
    )
  }

  /** All places of the document that have bindings. */
  extractBindings(contract: Contract): PlacedBindings[] {
    const servers = contract.servers.map(({ name, bindings }) => ({ place: 'server' as const, name, bindings }))
    const inChannels = contract.channels.flatMap((channel): PlacedBindings[] => {
      const channelId = channel.id
      return [
        { place: 'channel', name: channelId, channelId, bindings: channel.bindings },
        ...channel.operations.map(({ id, bindings }) => ({
          place: 'operation' as const,
          name: id,
          channelId,
          bindings,
        })),
        ...channel.messages.map(({ name, bindings }) => ({ place: 'message' as const, name, channelId, bindings })),
      ]
    })
    return [...servers, ...inChannels].filter(({ bindings }) => Object.keys(bindings).length > 0)
  }
}

function channelsOf(contract: Contract, channelId: string | undefined): ContractChannel[] {
  return contract.channels.filter(({ id }) => channelId === undefined || id === channelId)
}

function textOf(content: object): string {
  try {
    return JSON.stringify(content)
  } catch (error) {
    throw new EdgeError('document-syntax', `The document has no JSON: ${messageOf(error)}`, { cause: error })
  }
}
