import { EdgeError } from '../core/errors.ts'
import { parseJson } from '../core/json.ts'
import type { Headers } from '../core/message.ts'
import type { Publisher } from '../ingest/publisher.ts'
import type { Caller } from '../ports/identity.ts'
import type { PublishInput } from '../ports/publication.ts'
import type { MessageLog } from '../store/log/message-log.ts'
import { headersOf } from '../store/log/record.ts'
import type { QuarantineRow } from '../store/tables/quarantine.ts'
import type { InForce } from '../verdict/in-force.ts'
import { refusalOf, type Passed } from '../verdict/judgement.ts'
import type { PlanBook } from '../verdict/plan-book.ts'
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

export interface RefusedOptions<Reader> {
  reader: Reader
  inForce: Pick<InForce, 'judge'>
  book: PlanBook
  publisher: Publisher
  log: MessageLog
  deliver: (topic: string, payload: Buffer, qos: 0 | 1 | 2, retain: boolean) => void
}

/** Judges by the documents in force. Throws MessageRefused where the message is still refused. */
export function judgedAgain(
  inForce: Pick<InForce, 'judge'>,
  row: Pick<QuarantineRow, 'topic' | 'payload' | 'headers'>,
): { headers: Headers | undefined; passed: Passed } {
  const headers = headersOf(row)
  const judgement = inForce.judge.judge(row.topic, row.payload, headers)
  if (judgement.verdict === 'refuse') throw refusalOf(judgement)
  return { headers, passed: judgement }
}

export function inputOf(
  { topic, payload, client_id: clientId }: Pick<QuarantineRow, 'topic' | 'payload' | 'client_id'>,
  qos: 0 | 1 | 2,
): PublishInput {
  return { topic, payload, qos, retain: false, clientId, packetId: undefined, origin: 'api' }
}

export function idOf({ id }: { id: number }): number {
  return id
}

export function numberOf(id: string): number {
  if (KEY.test(id)) return Number(id)
  throw new EdgeError('not-found', `${id} is no number of a message.`)
}

/** The payload as JSON where it is JSON, else base64. */
export function payloadView(payload: Buffer): { payload: unknown; payloadBase64: string | null } {
  const value = parseJson(payload.toString('utf8'))
  return value === undefined
    ? { payload: null, payloadBase64: payload.toString('base64') }
    : { payload: value, payloadBase64: null }
}
