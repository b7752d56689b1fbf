import { createHash } from 'node:crypto'
import { EdgeError } from '../core/errors.ts'
import type { Op } from '../store/log/batch.ts'
import type { IdempotencyRow } from '../store/tables/idempotency.ts'
import type { Published, Publisher, PublishRequest } from './publisher.ts'

/** How long a key is known. */
const IDEMPOTENCY_MS = 24 * 3_600_000

export interface IdempotencyOptions {
  publisher: Publisher
  find: (identity: string, key: string) => IdempotencyRow | undefined
  put: (op: Op) => void
  wallMs: () => number
}

/**
 * Publishing with a key: the same request under the same key of one identity is published once, whatever happens between
 * its attempts. The key is kept in the commit of its message.
 */
export class IdempotentPublisher {
  private readonly options: IdempotencyOptions
  /** Requests that have no answer yet. */
  private readonly open = new Map<string, { bodyHash: string; answer: Promise<Published> }>()

  constructor(options: IdempotencyOptions) {
    this.options = options
  }

  /** Throws as Publisher.publish does, and `idempotency-conflict` for another request under the same key. */
  async publish(request: PublishRequest, identity: string, key: string): Promise<Published> {
    const { publisher, find, put, wallMs } = this.options
    const bodyHash = createHash('sha256').update(JSON.stringify(request)).digest('base64url')
    const name = `${identity}\n${key}`
    const open = this.open.get(name)
    if (open !== undefined) return same(open.bodyHash, bodyHash, key) && open.answer
    const known = find(identity, key)
    if (known !== undefined && known.wall_ms > wallMs() - IDEMPOTENCY_MS)
      return same(known.body_hash, bodyHash, key) && (JSON.parse(known.answer) as Published)
    const answer = publisher.publish(request, identity, (published) =>
      put({
        type: 'idempotency',
        row: { identity, key, body_hash: bodyHash, answer: JSON.stringify(published), wall_ms: wallMs() },
      }),
    )
    this.open.set(name, { bodyHash, answer })
    try {
      return await answer
    } finally {
      this.open.delete(name)
    }
  }
}

function same(known: string, given: string, key: string): true {
  if (known === given) return true
  throw new EdgeError('idempotency-conflict', `The Idempotency-Key ${key} was used for another request.`, {
    place: { field: 'Idempotency-Key' },
  })
}
