import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EdgeError } from '../core/errors.ts'
import { writeDurably } from '../platform/write-durably.ts'

const KEY_BYTES = 32
const PRIVATE_MODE = 0o600
/** A generated key, or one that was provisioned: long enough, and of characters that a header may hold (RFC 6750, 2.1). */
const KEY = /^[A-Za-z0-9._~+/=-]{32,256}$/

/** The first admin's key, in a file of the store that only its owner can read. */
export class AdminKey {
  readonly file: string
  /** The key, if this start has generated it: the only time that it may be shown. */
  readonly fresh: string | undefined
  private readonly hash: Buffer

  /** Reads the key of the store, or generates it. Throws `store-unusable`. */
  static open(directory: string): AdminKey {
    const file = join(directory, 'admin-key')
    try {
      const known = read(file)
      if (known !== undefined) return new AdminKey(file, known, false)
      const key = randomBytes(KEY_BYTES).toString('base64url')
      writeDurably(file, `${key}\n`, PRIVATE_MODE)
      return new AdminKey(file, key, true)
    } catch (error) {
      if (error instanceof EdgeError) throw error
      throw new EdgeError('store-unusable', `${file} cannot be read or written`, { cause: error })
    }
  }

  private constructor(file: string, key: string, isFresh: boolean) {
    this.file = file
    this.fresh = isFresh ? key : undefined
    this.hash = hashOf(key)
  }

  /** Compares in constant time. */
  accepts(given: string): boolean {
    return timingSafeEqual(hashOf(given), this.hash)
  }
}

/** Returns undefined where there is no key yet. */
function read(file: string): string | undefined {
  const found = lstatSync(file, { throwIfNoEntry: false })
  if (found === undefined) return undefined
  if (!found.isFile()) throw unusable(file, 'is not a regular file')
  if ((found.mode & 0o077) !== 0) chmodSync(file, PRIVATE_MODE)
  const key = readFileSync(file, 'utf8').trim()
  if (!KEY.test(key)) throw unusable(file, 'does not hold a key')
  return key
}

function unusable(file: string, what: string): EdgeError {
  const hint = 'Remove the file and start again: the gateway then generates a new key.'
  return new EdgeError('store-unusable', `${file} ${what}`, { hint })
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
