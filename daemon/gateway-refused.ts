import { EdgeError } from './core/errors.ts'
import type { Headers, Violation } from './core/message.ts'
import { MessageRefused } from './core/refusal.ts'
import type { DeadLetterView, PageRequest, Page, QuarantineView, RefusedPort } from './http/api-ports.ts'
import type { Ingest } from './pipeline/ingest.ts'
import type { PlanBook } from './pipeline/plan-book.ts'
import type { Op } from './store/batch.ts'
import type { DeadLetterRow, QuarantineRow, RefusedReader } from './store/refused-reader.ts'

export interface RefusedOptions {
  reader: RefusedReader
  ingest: Ingest
  book: PlanBook
  messageIdPrefix: string
  put: (op: Op, stored: (error: EdgeError | null) => void) => void
  deliver: (topic: string, payload: Buffer, qos: 0 | 1 | 2, retain: boolean) => void
}

/** Messages that their document refused: listed, published again under the documents of now, or deleted. */
export function quarantinePort(options: RefusedOptions): RefusedPort<QuarantineView> {
  const { reader, ingest, messageIdPrefix, put, deliver } = options
  const find = (id: string): QuarantineRow => {
    const row = reader.quarantined(numberOf(id))
    if (row === undefined) throw new EdgeError('not-found', `There is no message ${id} in the quarantine.`)
    return row
  }
  return {
    list: ({ topic, client_id, ...page }) =>
      pageOf(reader.quarantine({ ...query(page), where: { topic, client_id } }), page, quarantineView),
    get: (id) => quarantineView(find(id)),
    replay(id) {
      const { topic, payload, client_id: clientId, headers: text, qos } = find(id)
      const headers = text === '' ? undefined : (JSON.parse(text) as Headers)
      const judgement = ingest.judge.judge(topic, payload, headers)
      if (judgement.verdict === 'refuse')
        return Promise.reject(
          new MessageRefused(judgement.code, judgement.errors, judgement.document, judgement.message),
        )
      const level = qos === 0 || qos === 2 ? qos : 1
      const input = { topic, payload, qos: level, retain: false, clientId, packetId: undefined, origin: 'api' } as const
      return new Promise((resolve, reject) => {
        const seq = ingest.submit(
          input,
          judgement,
          (outcome) => {
            if (outcome !== 'deliver') return reject(new EdgeError('store-full', 'The store takes no messages now.'))
            deliver(topic, payload, level, false)
            resolve({ id: `${messageIdPrefix}${seq ?? ''}` })
          },
          headers,
        )
        // It leaves the quarantine in the commit that stores the message.
        if (seq !== undefined) put({ type: 'quarantine-delete', id: numberOf(id) }, () => undefined)
      })
    },
    async discard(id) {
      find(id)
      await committed(put, { type: 'quarantine-delete', id: numberOf(id) })
    },
  }
}

/** Messages that a destination refused for good: listed, sent to that destination again, or deleted. */
export function deadLetterPort(options: RefusedOptions): RefusedPort<DeadLetterView> {
  const { reader, ingest, book, messageIdPrefix, put } = options
  const find = (id: string): DeadLetterRow => {
    const row = reader.deadLetter(numberOf(id))
    if (row === undefined) throw new EdgeError('not-found', `There is no dead letter ${id}.`)
    return row
  }
  return {
    list: ({ topic, client_id, destination, ...page }) =>
      pageOf(reader.deadLetters({ ...query(page), where: { topic, client_id, destination } }), page, deadLetterView),
    get: (id) => deadLetterView(find(id)),
    replay(id) {
      const { topic, payload, client_id: clientId, headers: text, destination } = find(id)
      const headers = text === '' ? undefined : (JSON.parse(text) as Headers)
      const judgement = ingest.judge.judge(topic, payload, headers)
      if (judgement.verdict === 'refuse')
        return Promise.reject(
          new MessageRefused(judgement.code, judgement.errors, judgement.document, judgement.message),
        )
      const { plan } = judgement.plan.numbered
      const targets = plan.targets.filter((target) => target.to === destination)
      if (targets.length === 0)
        return Promise.reject(new EdgeError('not-found', `Messages of ${topic} do not go to ${destination} any more.`))
      const numbered = book.number({ ...plan, targets })
      const passed = { ...judgement, plan: { ...judgement.plan, numbered, tallies: [] } }
      const input = { topic, payload, qos: 1, retain: false, clientId, packetId: undefined, origin: 'api' } as const
      return new Promise((resolve, reject) => {
        const seq = ingest.submit(
          input,
          passed,
          (outcome) => {
            if (outcome !== 'deliver') return reject(new EdgeError('store-full', 'The store takes no messages now.'))
            resolve({ id: `${messageIdPrefix}${seq ?? ''}` })
          },
          headers,
        )
        if (seq !== undefined) put({ type: 'dead-letter-delete', id: numberOf(id) }, () => undefined)
      })
    },
    async discard(id) {
      find(id)
      await committed(put, { type: 'dead-letter-delete', id: numberOf(id) })
    },
  }
}

function committed(put: RefusedOptions['put'], op: Op): Promise<void> {
  return new Promise((resolve, reject) => put(op, (error) => (error === null ? resolve() : reject(error))))
}

function query({ limit, cursor }: PageRequest): { limit: number; before: number | undefined } {
  return { limit: limit + 1, before: cursor === undefined ? undefined : numberOf(cursor) }
}

function pageOf<Row extends { id: number }, View>(
  rows: readonly Row[],
  { limit }: PageRequest,
  view: (row: Row) => View,
): Page<View> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return { items: items.map(view), ...(rows.length > limit && last !== undefined ? { next: String(last.id) } : {}) }
}

function numberOf(id: string): number {
  if (/^\d{1,15}$/.test(id)) return Number(id)
  throw new EdgeError('not-found', `${id} is no number of a message.`)
}

function quarantineView(row: QuarantineRow): QuarantineView {
  return {
    id: String(row.id),
    topic: row.topic,
    client_id: row.client_id,
    code: row.code,
    errors: JSON.parse(row.errors) as Violation[],
    document: row.document === '' ? null : row.document,
    message: row.message === '' ? null : row.message,
    headers: row.headers === '' ? {} : (JSON.parse(row.headers) as Headers),
    ...payloadView(row.payload),
    at: new Date(row.wall_ms).toISOString(),
  }
}

function deadLetterView(row: DeadLetterRow): DeadLetterView {
  return {
    id: String(row.id),
    destination: row.destination,
    message_id: row.message_id,
    topic: row.topic,
    address: row.address,
    client_id: row.client_id,
    code: row.code,
    answer: row.answer,
    headers: row.headers === '' ? {} : (JSON.parse(row.headers) as Headers),
    ...payloadView(row.payload),
    at: new Date(row.wall_ms).toISOString(),
  }
}

/** As JSON where it is JSON, else in base64. */
function payloadView(payload: Buffer): { payload: unknown; payloadBase64: string | null } {
  try {
    return { payload: JSON.parse(payload.toString('utf8')) as unknown, payloadBase64: null }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return { payload: null, payloadBase64: payload.toString('base64') }
  }
}
