import { EdgeError } from '../core/errors.ts'
import { KeyedTurns } from '../core/keyed-turns.ts'
import type { Violation } from '../core/message.ts'
import { headersOf } from '../store/log/record.ts'
import type { QuarantineReader, QuarantineRow } from '../store/tables/quarantine.ts'
import { idOf, inputOf, judgedAgain, numberOf, payloadView, type RefusedOptions, type RefusedPort } from './refused.ts'
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

/** The quarantine, messages that their document refused: list, publish again under the documents in force, discard. */
export function quarantinePort(options: RefusedOptions<QuarantineReader>): RefusedPort<QuarantineView> {
  const { reader, inForce, publisher, log, deliver } = options
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
        const stored = await publisher.store(inputOf(row, level), passed, headers, {
          durable: () => deliver(topic, payload, level, false),
          // The commit that stores the message also deletes it from the quarantine.
          alongside: () => log.put({ type: 'quarantine-delete', id: row.id }),
        })
        return { id: stored }
      }),
    discard: (id) => turns.run(numberOf(id), () => log.commit({ type: 'quarantine-delete', id: find(id).id })),
  }
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
