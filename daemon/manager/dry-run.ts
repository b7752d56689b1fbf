import type { ContractChange } from '../asyncapi/comparison/compare-contracts.ts'
import type { Contract } from '../asyncapi/contract/contract.ts'
import type { Registrar } from './registrar.ts'
import type { RegistrationInput } from './registration.ts'
import type { ReplayResult } from './replay-against.ts'

export interface DryRunResult {
  name: string
  version: string
  /** This name and version is registered with this content already. */
  registered: boolean
  channels: string[]
  diagnostics: Contract['diagnostics']
  changes: ContractChange[]
  replay: ReplayResult
}

/** Reports what registering a document would change and which stored messages it would refuse. Registers nothing. */
export class DryRun {
  private readonly registrar: Registrar
  private readonly replay: (contract: Contract, name: string) => Promise<ReplayResult>

  constructor(registrar: Registrar, replay: (contract: Contract, name: string) => Promise<ReplayResult>) {
    this.registrar = registrar
    this.replay = replay
  }

  /** Throws as `Registrar.register` does. */
  async run(input: RegistrationInput): Promise<DryRunResult> {
    const candidate = await this.registrar.check(input)
    const registered = this.registrar.existing(candidate, input.text) !== undefined
    const { name, version, contract } = candidate
    return {
      name,
      version,
      registered,
      channels: contract.channels.map((channel) => channel.address ?? channel.id),
      diagnostics: contract.diagnostics,
      changes: registered ? [] : await this.registrar.changes(candidate),
      replay: await this.replay(contract, name),
    }
  }
}
