import { EdgeError } from '../core/errors.ts'
import { headersOf } from '../store/log/record.ts'
import type { DeadLetterReader, DeadLetterRow } from '../store/tables/dead-letters.ts'
import { idOf, inputOf, judgedAgain, numberOf, payloadView, type RefusedOptions, type RefusedPort } from './refused.ts'
import { tablePage } from './table-page.ts'

export interface DeadLetterView {
  id: string
  destination: string
  message_id: string
  topic: string
  address: string
  client_id: string
  code: string
  answer: string
  headers: Readonly<Record<string, string>>
  payload: unknown
  payloadBase64: string | null
  at: string
}

/** Messages that a destination refused for good: listed, sent to that destination again, or deleted. */
export function deadLetterPort(options: RefusedOptions<DeadLetterReader>): RefusedPort<DeadLetterView> {
  const { reader, inForce, publisher, log, book } = options
  const find = (id: string): DeadLetterRow => {
    const row = reader.lookUp(numberOf(id))
    if (row === undefined) throw new EdgeError('not-found', `There is no dead letter ${id}.`)
    return row
  }
  return {
    list: ({ topic, client_id, destination, ...request }) =>
      tablePage(request, { topic, client_id, destination }, (query) => reader.page(query), idOf, deadLetterView),
    get: (id) => deadLetterView(find(id)),
    async replay(id) {
      const row = find(id)
      const { topic, destination } = row
      const { headers, passed } = judgedAgain(inForce, row)
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
