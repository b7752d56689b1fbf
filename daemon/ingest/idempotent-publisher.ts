import { createHash } from 'node:crypto'
import { EdgeError } from '../core/errors.ts'
import type { Op } from '../store/log/batch.ts'
import { IDEMPOTENCY_MS, type IdempotencyRow } from '../store/tables/idempotency.ts'
import type { Published, Publisher, PublishRequest } from './publisher.ts'

export interface IdempotencyOptions {
  publisher: Pick<Publisher, 'begin' | 'inTime'>
  find: (identity: string, key: string) => IdempotencyRow | undefined
  put: (op: Op) => void
  runningMs: () => number
}

/**
 * Publishes a request once for one Idempotency-Key of an identity, however often it is repeated. The key is written in the commit
 * of its message.
 */
export class IdempotentPublisher {
  private readonly options: IdempotencyOptions
  /** Requests in flight. */
  private readonly open = new Map<string, { bodyHash: string; stored: Promise<Published> }>()

  constructor(options: IdempotencyOptions) {
    this.options = options
  }

  /** Throws as Publisher.publish does, and `idempotency-conflict` for another request under the same key. */
  async publish(request: PublishRequest, identity: string, key: string): Promise<Published> {
    const { publisher, find, put, runningMs } = this.options
    const bodyHash = createHash('sha256').update(JSON.stringify(request)).digest('base64url')
    const name = `${identity}\n${key}`
    const open = this.open.get(name)
    if (open !== undefined) return same(open.bodyHash, bodyHash, key) && publisher.inTime(open.stored)
    const known = find(identity, key)
    if (known !== undefined && known.running_ms > runningMs() - IDEMPOTENCY_MS)
      return same(known.body_hash, bodyHash, key) && (JSON.parse(known.answer) as Published)
    const stored = publisher.begin(request, identity, (published) =>
      put({
        type: 'idempotency',
        withMessage: true,
        row: { identity, key, body_hash: bodyHash, answer: JSON.stringify(published), running_ms: runningMs() },
      }),
    )
    this.open.set(name, { bodyHash, stored })
    // The key stays taken until the message is stored or lost, also when its publisher has had a timely answer before.
    const close = (): void => void this.open.delete(name)
    stored.then(close, close)
    return publisher.inTime(stored)
  }
}

function same(known: string, given: string, key: string): true {
  if (known === given) return true
  throw new EdgeError('idempotency-conflict', `The Idempotency-Key ${key} was used for another request.`, {
    place: { field: 'Idempotency-Key' },
  })
}
