import type { FeedMessage } from '../ports/feed.ts'
import { headersOf, type RecordInput } from '../store/log/record.ts'
import type { Plan } from './plan.ts'

/** The feed event of a durable message. `plan` is undefined where a damaged store has lost it. */
export function feedMessage(
  prefix: string,
  seq: number,
  record: RecordInput,
  plan: Plan | undefined,
  wallMs: number,
): FeedMessage {
  return {
    id: prefix + seq,
    seq,
    topic: record.topic,
    clientId: record.clientId,
    payload: record.payload,
    contentType: plan?.contentType ?? null,
    headers: headersOf(record) ?? {},
    receivedAt: new Date(wallMs).toISOString(),
    channelIds: plan?.channelIds ?? [],
    document: plan?.document ?? null,
    message: plan?.message ?? null,
  }
}
