import type { FeedMessage } from '../core/feed.ts'
import type { RecordInput } from '../store/record.ts'
import type { MessagePlan } from './channel-plans.ts'

/** A message that has just become durable, for those who watch. */
export function feedMessage(prefix: string, seq: number, record: RecordInput, { numbered }: MessagePlan): FeedMessage {
  const { plan } = numbered
  return {
    id: prefix + seq,
    seq,
    topic: record.topic,
    clientId: record.clientId,
    payload: record.payload,
    contentType: plan.contentType,
    headers: record.headers === '' ? {} : (JSON.parse(record.headers) as Record<string, string>),
    receivedAt: new Date(record.wallMs).toISOString(),
    channelIds: plan.channelIds ?? [],
    document: plan.document,
    message: plan.message,
  }
}
