import type { FeedMessage } from '../../daemon/ports/feed.ts'
import type { Op } from '../../daemon/store/log/batch.ts'

/** The plan of messages that belong to these channels and go nowhere. */
export function planOp(id: number, channelIds: readonly string[]): Op {
  const plan = { document: 'd@1', message: 'm', channel: 'a', channelIds, contentType: null, lane: 'live', targets: [] }
  return { type: 'plan', row: { id, body: JSON.stringify(plan) } }
}

/** The live event of message `number`, as it is read from the log too. */
export function durableMessage(prefix: string, number: number, payload: string): FeedMessage {
  return {
    id: prefix + number,
    seq: number,
    topic: 't',
    clientId: 'c',
    payload: Buffer.from(payload),
    contentType: null,
    headers: {},
    receivedAt: '2026-01-01T00:00:00.000Z',
    channelIds: ['one'],
    document: 'd@1',
    message: 'm',
  }
}
