import type { Headers } from '../../core/message.ts'
import type { ContractChannel, ContractMessage } from '../contract/contract.ts'
import type { SchemaCompiler } from '../schemas/schema-compiler.ts'
import { shortText } from '../schemas/violation.ts'
import { LocationCheck } from './location-check.ts'
import type { MessageCheck } from './message-check.ts'
import { judgeMessage, judgeMessages, Undecoded, type Accepted, type Refused, type Verdict } from './payload-verdict.ts'

export interface ValidateOptions {
  /** Returns the topic's parameters; called only if the document gives one of them a `location`. */
  readonly parameters?: () => Readonly<Record<string, string>>
  /** Checks only the messages of this direction, if the channel has operations of this direction. */
  readonly action?: 'receive' | 'send'
  /** Checks only the message of this name. */
  readonly message?: string
}

/** The message of a channel that describes none: it accepts any payload. */
export const UNDESCRIBED_MESSAGE: ContractMessage = Object.freeze({
  name: '',
  contentType: 'application/octet-stream',
  schemaFormat: '',
  examples: [],
  bindings: {},
  bridge: {},
})

/** The messages of one channel, compiled. */
export class ChannelCheck {
  /** Holds the budget that the checks spend from. */
  readonly compiler: SchemaCompiler
  private readonly all: readonly MessageCheck[]
  private readonly receive: readonly MessageCheck[]
  private readonly send: readonly MessageCheck[]
  private readonly locations: LocationCheck | undefined

  /** `all` are the checks of all messages of the channel. */
  constructor(channel: ContractChannel, all: readonly MessageCheck[], compiler: SchemaCompiler) {
    this.compiler = compiler
    const checksFor = (action: 'receive' | 'send'): readonly MessageCheck[] => {
      const operations = channel.operations.filter((operation) => operation.action === action)
      const names = new Set(operations.flatMap((operation) => operation.messages))
      return operations.length === 0 ? all : all.filter((check) => names.has(check.message.name))
    }
    this.all = all
    this.receive = checksFor('receive')
    this.send = checksFor('send')
    this.locations = LocationCheck.of(channel.parameters)
  }

  /** The only message of a direction, if a payload without headers can be judged by it alone; else undefined. */
  only(action: 'receive' | 'send'): MessageCheck | undefined {
    return this[action].length === 1 && this.locations === undefined ? this[action][0] : undefined
  }

  /**
   * Judges a payload (and headers, if the transport carries them) by the messages of the channel: the first that fits
   * wins, else the errors are those of the nearest message. Never throws.
   */
  validate(payload: Uint8Array, headers?: Headers, options?: ValidateOptions): Verdict {
    let checks = options?.action === undefined ? this.all : this[options.action]
    if (options?.message !== undefined) {
      const { message } = options
      const names = checks.map((check) => check.message.name)
      checks = checks.filter((check) => check.message.name === message)
      if (checks.length === 0) return unknownMessage(message, names)
    }
    const [only] = checks
    this.compiler.refill()
    if (only === undefined) return this.judgeLocations(new Undecoded(UNDESCRIBED_MESSAGE, payload), headers, options)
    const verdict = checks.length === 1 ? judgeMessage(only, payload, headers) : judgeMessages(checks, payload, headers)
    return verdict.ok ? this.judgeLocations(verdict, headers, options) : verdict
  }

  private judgeLocations(
    accepted: Accepted,
    headers: Headers | undefined,
    options: ValidateOptions | undefined,
  ): Verdict {
    if (this.locations === undefined || options?.parameters === undefined) return accepted
    const violation = this.locations.violation(options.parameters(), accepted, headers)
    if (violation === undefined) return accepted
    return { ok: false, code: 'parameter-mismatch', errors: [violation], message: accepted.message.name }
  }
}

function unknownMessage(name: string, names: readonly string[]): Refused {
  const expected = names.length === 0 ? 'no message' : `one of ${names.join(', ')}`.slice(0, 200)
  return {
    ok: false,
    code: 'payload-invalid',
    errors: [{ pointer: '', keyword: 'message', expected, actual: shortText(name) }],
  }
}
