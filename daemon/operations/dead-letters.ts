import { EdgeError } from '../core/errors.ts'
import { KeyedTurns } from '../core/keyed-turns.ts'
import type { MessageLog } from '../store/log/message-log.ts'
import { headersOf } from '../store/log/record.ts'
import type { DeadLetterReader, DeadLetterRow } from '../store/tables/dead-letters.ts'
import { idOf, numberOf, payloadView, type RefusedPort } from './refused.ts'
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

export interface DeadLetterOptions {
  reader: Pick<DeadLetterReader, 'page' | 'lookUp'>
  log: Pick<MessageLog, 'commit'>
  /** Names of the upstreams that are configured. */
  destinations: () => readonly string[]
  now: () => { runningMs: number; wallMs: number }
  /** Has the forwarder send what was replayed. */
  replayed: (destination: string) => void
}

/**
 * Dead letters, deliveries that a destination refused for good: list, send again, discard. A letter that is sent again keeps its
 * message-id and time of reception, and goes to the target that refused it alone.
 */
export function deadLetterPort(options: DeadLetterOptions): RefusedPort<DeadLetterView> {
  const { reader, log, destinations, now, replayed } = options
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
        const { id: number, destination, message_id: messageId, is_replayable: isReplayable } = find(id)
        if (!destinations().includes(destination))
          throw new EdgeError(
            'not-found',
            `${destination} is no longer configured: there is nowhere to send this dead letter.`,
            {
              hint: 'Configure the upstream again under this name, or discard the dead letter.',
            },
          )
        if (!isReplayable)
          throw new EdgeError(
            'unsupported',
            'This dead letter was kept by an earlier version, which did not note its target.',
            {
              hint: 'Publish the message again, then discard the dead letter.',
            },
          )
        const { runningMs, wallMs } = now()
        await log.commit({ type: 'dead-letter-replay', id: number, runningMs, wallMs })
        replayed(destination)
        return { id: messageId }
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
