import { isUtf8 } from 'node:buffer'
import { EdgeError } from '../core/errors.ts'
import { parseJsonAsWritten } from '../core/json.ts'
import type { Caller } from '../ports/identity.ts'
import type { Page, PageRequest } from './paging.ts'
import { KEY } from './table-page.ts'

/** Operations that quarantine and dead letters share. */
export interface RefusedPort<View> {
  list(page: PageRequest & { topic?: string; client_id?: string; destination?: string }): Promise<Page<View>>
  get(id: string): View
  /** Publishes a quarantined message again, or sends a dead letter to its destination again. Throws MessageRefused where it is still refused; then it stays. */
  replay(id: string, caller: Caller): Promise<{ id: string }>
  discard(id: string, caller: Caller): Promise<void>
}

export function idOf({ id }: { id: number }): number {
  return id
}

export function numberOf(id: string): number {
  if (KEY.test(id)) return Number(id)
  throw new EdgeError('not-found', `${id} is no number of a message.`)
}

/** The payload as JSON where it is JSON, with its numbers as they were written; else base64. */
export function payloadView(payload: Buffer): { payload: unknown; payloadBase64: string | null } {
  const value = isUtf8(payload) ? parseJsonAsWritten(payload.toString('utf8')) : undefined
  return value === undefined
    ? { payload: null, payloadBase64: payload.toString('base64') }
    : { payload: value, payloadBase64: null }
}
