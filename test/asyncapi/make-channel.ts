import type { Contract, ContractChannel, ContractMessage } from '../../daemon/asyncapi/contract/contract.ts'

export function makeMessage(name: string, rest: Partial<ContractMessage> = {}): ContractMessage {
  return { name, contentType: 'application/json', schemaFormat: '', examples: [], bindings: {}, bridge: {}, ...rest }
}

export function makeChannel(rest: Partial<ContractChannel> = {}): ContractChannel {
  return {
    id: 'channel',
    address: 'channel',
    parameters: [],
    servers: [],
    messages: [],
    operations: [],
    bindings: {},
    bridge: {},
    ...rest,
  }
}

export function makeContract(rest: Partial<Contract> = {}): Contract {
  return {
    title: 'T',
    version: '1',
    specification: '2.6.0',
    defaultContentType: 'application/json',
    perspective: 'application',
    servers: [],
    channels: [],
    securitySchemes: [],
    bridge: {},
    diagnostics: [],
    ...rest,
  }
}
