import { EdgeError } from '../core/errors.ts'
import { KeyedTurns } from '../core/keyed-turns.ts'
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

/** Dead letters, messages that a destination refused for good: list, send again to that destination, discard. */
export function deadLetterPort(options: RefusedOptions<DeadLetterReader>): RefusedPort<DeadLetterView> {
  const { reader, inForce, publisher, log, book } = options
  // Of several replays of one message that come at once the first is done; the others find it gone.
  const turns = new KeyedTurns<number>()
  const find = (id: string): DeadLetterRow => {
    const row = reader.lookUp(numberOf(id))
    if (row === undefined) throw new EdgeError('not-found', `There is no dead letter ${id}.`)
    return row
  }
  return {
    list: ({ topic, client_id, destination, ...request }) =>
      tablePage(request, { topic, client_id, destination }, (query) => reader.page(query), idOf, deadLetterView),
    get: (id) => deadLetterView(find(id)),
    replay: (id) =>
      turns.run(numberOf(id), async () => {
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
      }),
    discard: (id) => turns.run(numberOf(id), () => log.commit({ type: 'dead-letter-delete', id: find(id).id })),
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
