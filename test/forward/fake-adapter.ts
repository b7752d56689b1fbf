import { EdgeError, type ErrorCode } from '../../daemon/core/errors.ts'
import { ACCEPTED, type OutgoingAdapter, type OutgoingMessage, type Outcome } from '../../daemon/protocols/adapter.ts'

/** A destination that answers as a test says, and records the messages that it was sent. */
export class FakeAdapter implements OutgoingAdapter {
  /** The `n` of the payloads of each publish. */
  readonly sends: number[][] = []
  /** The `n` of accepted messages, by address. */
  readonly arrived = new Map<string, number[]>()
  /** Answers for one message; accepted by default. */
  answer: (n: number, address: string) => Outcome = () => ACCEPTED
  disconnects = 0
  private readonly headers = new Map<number, Readonly<Record<string, string>>>()
  private gate: Promise<void> | undefined
  private openGate: (() => void) | undefined

  connect(): Promise<void> {
    return Promise.resolve()
  }

  async publish(_channel: string | null, messages: readonly OutgoingMessage[]): Promise<Outcome[]> {
    this.sends.push(messages.map(numberOf))
    await this.gate
    return messages.map((message) => {
      const outcome = this.answer(numberOf(message), message.address)
      if (outcome.status === 'accepted') {
        const list = this.arrived.get(message.address) ?? []
        list.push(numberOf(message))
        this.arrived.set(message.address, list)
        const texts = Object.entries(message.headers).map(([name, value]) => [name, String(value)])
        this.headers.set(numberOf(message), Object.fromEntries(texts) as Record<string, string>)
      }
      return outcome
    })
  }

  disconnect(): Promise<void> {
    this.disconnects++
    return Promise.resolve()
  }

  /** Every publish from now on waits for `release`. */
  block(): void {
    this.gate = new Promise((resolve) => {
      this.openGate = resolve
    })
  }

  release(): void {
    this.gate = undefined
    this.openGate?.()
  }

  /** Headers of the message that was accepted last under this number. */
  headersOf(n: number): Readonly<Record<string, string>> {
    return this.headers.get(n) ?? {}
  }

  /** All accepted messages of an address. */
  at(address: string): number[] {
    return this.arrived.get(address) ?? []
  }
}

export function kept(code: ErrorCode = 'upstream-unavailable'): Outcome {
  return { status: 'kept', error: new EdgeError(code, `kept: ${code}`) }
}

export function rejected(code: ErrorCode = 'message-refused'): Outcome {
  return { status: 'rejected', error: new EdgeError(code, `rejected: ${code}`) }
}

function numberOf({ payload }: OutgoingMessage): number {
  const { n }: { n: number } = JSON.parse(Buffer.from(payload).toString())
  return n
}
