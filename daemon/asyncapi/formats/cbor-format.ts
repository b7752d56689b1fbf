import { createRequire } from 'node:module'
import type * as Cbor from 'cbor-x'
import { DEFAULT_PAYLOAD_LIMITS, Undecodable, type PayloadFormat, type PayloadLimits } from './payload-format.ts'
import { CborFault, readCbor } from './read-cbor.ts'

/** `application/cbor` and `+cbor`, decoded to JSON values. */
export function cborFormat(limits: PayloadLimits = DEFAULT_PAYLOAD_LIMITS): PayloadFormat {
  return {
    reads: isCborType,
    gives: 'json',
    decode(payload) {
      try {
        return readCbor(payload, limits)
      } catch (error) {
        if (!(error instanceof CborFault)) throw error
        return new Undecodable('payload-invalid', 'CBOR', error.message)
      }
    },
  }
}

export function isCborType(contentType: string): boolean {
  return /^application\/cbor$|\+cbor$/.test(contentType)
}

const require = createRequire(import.meta.url)

/** Encodes a JSON value, which may contain bytes. The library is loaded with the first value. */
export function encodeCbor(value: unknown): Uint8Array {
  const { Encoder } = require('cbor-x') as typeof Cbor
  // Plain maps and untagged bytes, which every CBOR decoder understands.
  return new Encoder({ useRecords: false, tagUint8Array: false, variableMapSize: true }).encode(value)
}
