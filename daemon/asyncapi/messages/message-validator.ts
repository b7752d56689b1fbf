import type { Headers } from '../../core/message.ts'
import type { ContractChannel, ContractMessage } from '../contract/contract.ts'
import type { PayloadFormat } from '../formats/payload-format.ts'
import { SchemaCompiler } from '../schemas/schema-compiler.ts'
import { ChannelCheck, type ValidateOptions } from './channel-check.ts'
import { compileMessage, DEFAULT_FORMATS, type MessageCheck } from './message-check.ts'
import type { Verdict } from './payload-verdict.ts'

/** Judges the payloads of one version of a document. Compiles a channel on first use, and each message once. */
export class MessageValidator {
  private readonly compiler: SchemaCompiler
  private readonly formats: readonly PayloadFormat[]
  private readonly checks = new Map<ContractChannel, ChannelCheck>()
  private readonly messages = new Map<ContractMessage, MessageCheck>()

  constructor(compiler: SchemaCompiler = new SchemaCompiler(), formats: readonly PayloadFormat[] = DEFAULT_FORMATS) {
    this.compiler = compiler
    this.formats = formats
  }

  /** See `ChannelCheck.validate`. */
  validate(channel: ContractChannel, payload: Uint8Array, headers?: Headers, options?: ValidateOptions): Verdict {
    return this.of(channel).validate(payload, headers, options)
  }

  /** The check for payloads of a channel, compiled on first use. */
  of(channel: ContractChannel): ChannelCheck {
    let check = this.checks.get(channel)
    if (check === undefined) {
      const messages = channel.messages.map((message) => this.checkOf(message))
      this.checks.set(channel, (check = new ChannelCheck(channel, messages, this.compiler)))
    }
    return check
  }

  private checkOf(message: ContractMessage): MessageCheck {
    let check = this.messages.get(message)
    if (check === undefined) this.messages.set(message, (check = compileMessage(message, this.compiler, this.formats)))
    return check
  }
}
