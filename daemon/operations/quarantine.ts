import { EdgeError } from '../core/errors.ts'
import { KeyedTurns } from '../core/keyed-turns.ts'
import type { Headers, Violation } from '../core/message.ts'
import type { Publisher } from '../ingest/publisher.ts'
import type { PublishInput } from '../ports/publication.ts'
import type { MessageLog } from '../store/log/message-log.ts'
import { headersOf } from '../store/log/record.ts'
import type { QuarantineReader, QuarantineRow } from '../store/tables/quarantine.ts'
import type { InForce } from '../verdict/in-force.ts'
import { refusalOf, type Passed } from '../verdict/judgement.ts'
import { idOf, numberOf, payloadView, type RefusedPort } from './refused.ts'
import { tablePage } from './table-page.ts'

export interface QuarantineView {
  id: string
  topic: string
  client_id: string
  code: string
  errors: readonly Violation[]
  document: string | null
  message: string | null
  headers: Readonly<Record<string, string>>
  payload: unknown
  payloadBase64: string | null
  at: string
}

export interface QuarantineOptions {
  reader: Pick<QuarantineReader, 'page' | 'lookUp'>
  inForce: Pick<InForce, 'judge'>
  publisher: Pick<Publisher, 'store'>
  log: Pick<MessageLog, 'put' | 'commit'>
  wallMs: () => number
  deliver: (topic: string, payload: Buffer, qos: 0 | 1 | 2, retain: boolean) => void
}

/** The quarantine, messages that their document refused: list, publish again under the documents in force, discard. */
export function quarantinePort(options: QuarantineOptions): RefusedPort<QuarantineView> {
  const { reader, inForce, publisher, log, deliver, wallMs } = options
  // Of several replays of one message that come at once the first is done; the others find it gone.
  const turns = new KeyedTurns<number>()
  const find = (id: string): QuarantineRow => {
    const row = reader.lookUp(numberOf(id))
    if (row === undefined) throw new EdgeError('not-found', `There is no message ${id} in the quarantine.`)
    return row
  }
  return {
    list: ({ topic, client_id, ...request }) =>
      tablePage(request, { topic, client_id }, (query) => reader.page(query), idOf, quarantineView),
    get: (id) => quarantineView(find(id)),
    replay: (id) =>
      turns.run(numberOf(id), async () => {
        const row = find(id)
        const { topic, payload, qos } = row
        const { headers, passed } = judgedAgain(inForce, row)
        const level = qos === 0 || qos === 2 ? qos : 1
        const stored = await publisher.store(inputOf(row, level, wallMs()), passed, headers, {
          durable: () => deliver(topic, payload, level, false),
          // The commit that stores the message also deletes it from the quarantine.
          alongside: () => log.put({ type: 'quarantine-delete', id: row.id, withMessage: true }),
        })
        return { id: stored }
      }),
    discard: (id) => turns.run(numberOf(id), () => log.commit({ type: 'quarantine-delete', id: find(id).id })),
  }
}

/** Judges by the documents in force. Throws MessageRefused where the message is still refused. */
function judgedAgain(
  inForce: Pick<InForce, 'judge'>,
  row: Pick<QuarantineRow, 'topic' | 'payload' | 'headers'>,
): { headers: Headers | undefined; passed: Passed } {
  const headers = headersOf(row)
  const judgement = inForce.judge.judge(row.topic, row.payload, headers)
  if (judgement.verdict === 'refuse') throw refusalOf(judgement)
  return { headers, passed: judgement }
}

/** A replayed message keeps the time at which it was received. */
function inputOf(row: QuarantineRow, qos: 0 | 1 | 2, nowMs: number): PublishInput {
  const { topic, payload, client_id: clientId, wall_ms: receivedMs, synced } = row
  const replayed = { receivedMs, isSynced: synced === 1, at: new Date(nowMs).toISOString() }
  return { topic, payload, qos, retain: false, clientId, packetId: undefined, origin: 'api', replayed }
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
