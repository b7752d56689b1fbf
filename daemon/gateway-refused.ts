import type { PublishInput } from './broker/publish-port.ts'
import { EdgeError } from './core/errors.ts'
import { parseJson } from './core/json.ts'
import type { Headers, Violation } from './core/message.ts'
import { KEY, tablePage } from './gateway-pages.ts'
import type { DeadLetterView, QuarantineView, RefusedPort } from './http/api-ports.ts'
import type { Ingest } from './pipeline/ingest.ts'
import { refusalOf, type Passed } from './pipeline/judge.ts'
import type { PlanBook } from './pipeline/plan-book.ts'
import type { Publisher } from './pipeline/publisher.ts'
import type { MessageLog } from './store/message-log.ts'
import { headersOf } from './store/record.ts'
import type { DeadLetterRow, QuarantineRow, RefusedReader } from './store/refused-reader.ts'

export interface RefusedOptions {
  reader: RefusedReader
  ingest: Ingest
  book: PlanBook
  publisher: Publisher
  log: MessageLog
  deliver: (topic: string, payload: Buffer, qos: 0 | 1 | 2, retain: boolean) => void
}

/** Messages that their document refused: listed, published again under the documents of now, or deleted. */
export function quarantinePort(options: RefusedOptions): RefusedPort<QuarantineView> {
  const { reader, ingest, publisher, log, deliver } = options
  const find = (id: string): QuarantineRow => {
    const row = reader.quarantined(numberOf(id))
    if (row === undefined) throw new EdgeError('not-found', `There is no message ${id} in the quarantine.`)
    return row
  }
  return {
    list: ({ topic, client_id, ...request }) =>
      tablePage(request, { topic, client_id }, (query) => reader.quarantine(query), idOf, quarantineView),
    get: (id) => quarantineView(find(id)),
    async replay(id) {
      const row = find(id)
      const { topic, payload, qos } = row
      const { headers, passed } = judgedAgain(ingest, row)
      const level = qos === 0 || qos === 2 ? qos : 1
      const stored = await publisher.store(inputOf(row, level), passed, headers, {
        durable: () => deliver(topic, payload, level, false),
        // It leaves the quarantine in the commit that stores the message.
        alongside: () => log.put({ type: 'quarantine-delete', id: row.id }),
      })
      return { id: stored }
    },
    async discard(id) {
      await log.commit({ type: 'quarantine-delete', id: find(id).id })
    },
  }
}

/** Messages that a destination refused for good: listed, sent to that destination again, or deleted. */
export function deadLetterPort(options: RefusedOptions): RefusedPort<DeadLetterView> {
  const { reader, ingest, publisher, log, book } = options
  const find = (id: string): DeadLetterRow => {
    const row = reader.deadLetter(numberOf(id))
    if (row === undefined) throw new EdgeError('not-found', `There is no dead letter ${id}.`)
    return row
  }
  return {
    list: ({ topic, client_id, destination, ...request }) =>
      tablePage(request, { topic, client_id, destination }, (query) => reader.deadLetters(query), idOf, deadLetterView),
    get: (id) => deadLetterView(find(id)),
    async replay(id) {
      const row = find(id)
      const { topic, destination } = row
      const { headers, passed } = judgedAgain(ingest, row)
      const { plan } = passed
      const targets = plan.targets.filter((target) => target.to === destination)
      if (targets.length === 0)
        throw new EdgeError('not-found', `Messages of ${topic} do not go to ${destination} any more.`)
      const numbered = book.number({ ...plan, targets })
      const toOne = { ...passed, ...numbered, row: undefined, otherRows: [] }
      const stored = await publisher.store(inputOf(row, 1), toOne, headers, {
        alongside: () => log.put({ type: 'dead-letter-delete', id: row.id }),
      })
      return { id: stored }
    },
    async discard(id) {
      await log.commit({ type: 'dead-letter-delete', id: find(id).id })
    },
  }
}

/** By the documents of now. Throws MessageRefused where it is still refused. */
function judgedAgain(
  ingest: Ingest,
  row: Pick<QuarantineRow, 'topic' | 'payload' | 'headers'>,
): { headers: Headers | undefined; passed: Passed } {
  const headers = headersOf(row)
  const judgement = ingest.judge.judge(row.topic, row.payload, headers)
  if (judgement.verdict === 'refuse') throw refusalOf(judgement)
  return { headers, passed: judgement }
}

function inputOf(
  { topic, payload, client_id: clientId }: Pick<QuarantineRow, 'topic' | 'payload' | 'client_id'>,
  qos: 0 | 1 | 2,
): PublishInput {
  return { topic, payload, qos, retain: false, clientId, packetId: undefined, origin: 'api' }
}

function idOf({ id }: { id: number }): number {
  return id
}

function numberOf(id: string): number {
  if (KEY.test(id)) return Number(id)
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
    headers: headersOf(row) ?? {},
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
    headers: headersOf(row) ?? {},
    ...payloadView(row.payload),
    at: new Date(row.wall_ms).toISOString(),
  }
}

/** As JSON where it is JSON, else in base64. */
function payloadView(payload: Buffer): { payload: unknown; payloadBase64: string | null } {
  const value = parseJson(payload.toString('utf8'))
  return value === undefined
    ? { payload: null, payloadBase64: payload.toString('base64') }
    : { payload: value, payloadBase64: null }
}
