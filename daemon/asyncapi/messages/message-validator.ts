import type { ErrorCode } from '../../core/errors.ts'
import type { Headers, Violation } from '../../core/message.ts'
import type { ContractChannel, ContractMessage } from '../contract/contract.ts'
import { Undecodable, type PayloadFormat, type PayloadReader } from '../formats/payload-format.ts'
import { LocationCheck } from '../matching/location-check.ts'
import { SchemaCompiler } from '../schemas/schema-compiler.ts'
import { shortText } from '../schemas/violation.ts'
import { checkHeaders, compileMessage, DEFAULT_FORMATS, type MessageCheck } from './message-check.ts'
import { nearestRefusal } from './nearest-refusal.ts'
import type { ValueCheck } from './value-check.ts'

export interface Accepted {
  readonly ok: true
  readonly message: ContractMessage
  /** The decoded payload: a JSON value, a text or the bytes. Decoded when asked for where nothing had to be checked. */
  readonly value: unknown
}

export interface Refused {
  readonly ok: false
  readonly code: ErrorCode
  readonly errors: readonly Violation[]
  /** The message that it comes nearest to. */
  readonly message?: string
}

export type Verdict = Accepted | Refused

export interface ValidateOptions {
  /** The topic's parameters; asked for only where the document names a `location` for one. */
  readonly parameters?: () => Readonly<Record<string, string>>
  /** Hold it only against messages that go this way, where the channel has operations that do. */
  readonly action?: 'receive' | 'send'
  /** Hold it only against the message of this name. */
  readonly message?: string
}

/** Stands for the messages of a channel that describes none: any payload. */
export const UNDESCRIBED_MESSAGE: ContractMessage = Object.freeze({
  name: '',
  contentType: 'application/octet-stream',
  schemaFormat: '',
  examples: [],
  bindings: {},
  bridge: {},
})

/** Judges the payloads of one document generation. Channels compile on first use, each message once. */
export class MessageValidator {
  private readonly compiler: SchemaCompiler
  private readonly formats: readonly PayloadFormat[]
  private readonly checks = new Map<ContractChannel, ChannelCheck>()
  private readonly messages = new Map<ContractMessage, MessageCheck>()

  constructor(compiler: SchemaCompiler = new SchemaCompiler(), formats: readonly PayloadFormat[] = DEFAULT_FORMATS) {
    this.compiler = compiler
    this.formats = formats
  }

  /** As `ChannelCheck.validate`. */
  validate(channel: ContractChannel, payload: Uint8Array, headers?: Headers, options?: ValidateOptions): Verdict {
    return this.of(channel).validate(payload, headers, options)
  }

  /** What payloads of a channel are held against; compiled when it is first asked for. */
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

/** The messages of one channel, compiled. */
export class ChannelCheck {
  /** Whose budget its checks spend. */
  readonly compiler: SchemaCompiler
  private readonly all: readonly MessageCheck[]
  private readonly receive: readonly MessageCheck[]
  private readonly send: readonly MessageCheck[]
  private readonly locations: LocationCheck | undefined

  /** `all`: of the messages of the channel. */
  constructor(channel: ContractChannel, all: readonly MessageCheck[], compiler: SchemaCompiler) {
    this.compiler = compiler
    const going = (action: 'receive' | 'send'): readonly MessageCheck[] => {
      const operations = channel.operations.filter((operation) => operation.action === action)
      const names = new Set(operations.flatMap((operation) => operation.messages))
      return operations.length === 0 ? all : all.filter((check) => names.has(check.message.name))
    }
    this.all = all
    this.receive = going('receive')
    this.send = going('send')
    this.locations = LocationCheck.of(channel.parameters)
  }

  /** The one message that a payload without headers can be, where nothing but the payload decides; else undefined. */
  only(action: 'receive' | 'send'): MessageCheck | undefined {
    return this[action].length === 1 && this.locations === undefined ? this[action][0] : undefined
  }

  /**
   * Whether a payload (and headers, where the transport carries them) is one of the channel's messages; the first that
   * fits wins, else the errors of the nearest one are given. Never throws.
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
    const verdict = checks.length === 1 ? judge(only, payload, headers) : judgeAll(checks, payload, headers)
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

/** A payload that nothing had to look into. */
class Undecoded implements Accepted {
  readonly ok = true
  readonly message: ContractMessage
  private readonly payload: Uint8Array
  private readonly format: PayloadReader | undefined

  constructor(message: ContractMessage, payload: Uint8Array, format?: PayloadReader) {
    this.message = message
    this.payload = payload
    this.format = format
  }

  get value(): unknown {
    const value = this.format?.decode(this.payload)
    return value === undefined || value instanceof Undecodable ? this.payload : value
  }
}

function judge(check: MessageCheck, payload: Uint8Array, headers: Headers | undefined): Verdict {
  return check.payload === undefined
    ? judgeHeaders(check, new Undecoded(check.message, payload, check.format), headers)
    : judgeValue(check, check.payload, check.format.decode(payload), headers)
}

function judgeAll(checks: readonly MessageCheck[], payload: Uint8Array, headers: Headers | undefined): Verdict {
  const refusals: Refused[] = []
  const decoded = new Map<PayloadReader, unknown>()
  for (const check of checks) {
    const { format } = check
    if (check.payload !== undefined && !decoded.has(format)) decoded.set(format, format.decode(payload))
    const verdict =
      check.payload === undefined
        ? judge(check, payload, headers)
        : judgeValue(check, check.payload, decoded.get(format), headers)
    if (verdict.ok) return verdict
    refusals.push(verdict)
  }
  return nearestRefusal(refusals) ?? { ok: false, code: 'payload-invalid', errors: [] }
}

function judgeValue(check: MessageCheck, schema: ValueCheck, value: unknown, headers: Headers | undefined): Verdict {
  const { message } = check
  if (value instanceof Undecodable)
    return { ok: false, code: value.code, errors: [value.violation], message: message.name }
  const errors = schema.check(value)
  if (errors.length > 0) return { ok: false, code: 'payload-invalid', errors, message: message.name }
  return judgeHeaders(check, { ok: true, message, value }, headers)
}

function judgeHeaders(check: MessageCheck, accepted: Accepted, headers: Headers | undefined): Verdict {
  if (check.headers === undefined) return accepted
  const errors = checkHeaders(check, headers)
  return errors.length === 0 ? accepted : { ok: false, code: 'payload-invalid', errors, message: check.message.name }
}

function unknownMessage(name: string, names: readonly string[]): Refused {
  const expected = names.length === 0 ? 'no message' : `one of ${names.join(', ')}`.slice(0, 200)
  return {
    ok: false,
    code: 'payload-invalid',
    errors: [{ pointer: '', keyword: 'message', expected, actual: shortText(name) }],
  }
}
