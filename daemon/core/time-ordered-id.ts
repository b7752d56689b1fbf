import { randomUUID } from 'node:crypto'

/** A UUID of version 7 (RFC 9562, 5.7). Later ids sort behind earlier ones, so that an index grows only at its end. */
export function timeOrderedId(wallMs: number): string {
  const time = Math.max(0, Math.floor(wallMs)).toString(16).padStart(12, '0').slice(-12)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}
