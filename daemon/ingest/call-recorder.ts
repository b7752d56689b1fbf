import { messageId } from '../asyncapi/contract/channel-ids.ts'
import { asBuffer } from '../core/bytes.ts'
import type { Headers } from '../core/message.ts'
import { timeOrderedId } from '../core/time-ordered-id.ts'
import type { CallbackAttempt } from '../ports/callback.ts'
import type { PublishInput } from '../ports/publication.ts'
import type { CallLogSettings } from '../settings/sections/call-log-settings.ts'
import type { Op } from '../store/log/batch.ts'
import type { RecordInput } from '../store/log/record.ts'
import type { QuarantineInput } from '../store/tables/quarantine.ts'
import type { RefusedMessage } from '../verdict/judgement.ts'
import type { NumberedPlan, Plan } from '../verdict/plan.ts'

/** Message name of channels that describe no message. */
export const ANY_MESSAGE = 'any'

/** `broker_response` of a message that went on marked as invalid; its destinations are added once they have settled it. */
const INVALID = JSON.stringify({ verdict: 'invalid' })
const MAX_PAYLOAD_BYTES = 64 * 1024

/**
 * Writes `message_call_logs`, in the commit of the message concerned. Publications of the API are always recorded (unless
 * `callLog.record` is `none`); those of devices all, or the refused ones and a sample of the rest.
 */
export class CallRecorder {
  private settings: CallLogSettings
  private readonly put: (op: Op) => void
  /** Message ids of plans, cached because each is a hash. */
  private readonly definitions = new WeakMap<Plan, string>()
  private every = 0
  private untilNext = 0
  private untilNextAttempt = 0

  constructor(settings: CallLogSettings, put: (op: Op) => void) {
    this.put = put
    this.settings = settings
    this.configure(settings)
  }

  configure(settings: CallLogSettings): void {
    this.settings = settings
    this.every = settings.record === 'all' ? 1 : settings.sample === 0 ? 0 : Math.round(1 / settings.sample)
    this.untilNext = this.every
    this.untilNextAttempt = this.every
  }

  /** Whether this accepted message is recorded. Counts towards the sample, so it is called once a message. */
  wants(input: PublishInput): boolean {
    if (this.settings.record === 'none') return false
    if (input.origin === 'api') return true
    if (this.every === 0 || --this.untilNext > 0) return false
    this.untilNext = this.every
    return true
  }

  accepted(record: RecordInput, { plan, stream }: NumberedPlan, seq: number): void {
    const channelId = plan.channelIds?.[0]
    if (channelId === undefined) return
    let definition = this.definitions.get(plan)
    if (definition === undefined)
      this.definitions.set(plan, (definition = messageId(channelId, plan.message ?? ANY_MESSAGE)))
    this.put({
      type: 'call',
      row: {
        id: timeOrderedId(record.wallMs),
        channel_id: channelId,
        message_id: definition,
        operation_type: 'publish',
        payload: payloadText(record.payload),
        headers: record.headers === '' ? null : record.headers,
        broker_response: plan.invalid === true ? INVALID : null,
        status: 'success',
        error_message: null,
        response_time_ms: null,
        created_at: new Date(record.wallMs).toISOString(),
      },
      state: { seq, stream, receivedRunningMs: record.runningMs },
      withMessage: true,
    })
  }

  /** Records an attempt of a callback: all attempts, or the failed ones and a sample of the rest. */
  attempted({ event, channelId, url, result, tookMs }: CallbackAttempt): void {
    if (this.settings.record === 'none') return
    if (result.delivered) {
      if (this.every === 0 || --this.untilNextAttempt > 0) return
      this.untilNextAttempt = this.every
    }
    const { headers, payload, receivedAt, message } = event
    const outcome = result.delivered ? 'delivered' : result.reason
    this.put({
      type: 'call',
      row: {
        id: timeOrderedId(Date.parse(receivedAt)),
        channel_id: channelId,
        message_id: messageId(channelId, message ?? ANY_MESSAGE),
        operation_type: 'subscribe',
        payload: payloadText(payload),
        headers: Object.keys(headers).length === 0 ? null : JSON.stringify(headers),
        broker_response: JSON.stringify({ [url]: outcome }),
        status: result.delivered ? 'success' : 'error',
        error_message: result.delivered ? null : outcome,
        response_time_ms: Math.round(tookMs),
        created_at: receivedAt,
      },
    })
  }

  /** Records a message that its channel refused. A message without a channel is in the quarantine only. */
  refused(
    row: Pick<QuarantineInput, 'payload' | 'wallMs'>,
    { channel, code, errors, message }: RefusedMessage,
    headers: Headers | undefined,
  ): void {
    if (this.settings.record === 'none' || channel === undefined) return
    const name = message ?? channel.channel.messages[0]?.name ?? ANY_MESSAGE
    const [first] = errors
    this.put({
      type: 'call',
      row: {
        id: timeOrderedId(row.wallMs),
        channel_id: channel.id,
        message_id: messageId(channel.id, name),
        operation_type: 'publish',
        payload: payloadText(row.payload),
        headers: headers === undefined ? null : JSON.stringify(headers),
        broker_response: JSON.stringify({ verdict: 'rejected', code }),
        status: 'error',
        error_message:
          first === undefined ? code : `${code}: ${first.pointer} expected ${first.expected}, ${first.actual}`,
        response_time_ms: null,
        created_at: new Date(row.wallMs).toISOString(),
      },
    })
  }
}

/** UTF-8 text as it is, other bytes in base64. */
function payloadText(payload: Uint8Array): string {
  const bytes = asBuffer(payload).subarray(0, MAX_PAYLOAD_BYTES)
  const text = bytes.toString('utf8')
  return text.includes('\uFFFD') ? bytes.toString('base64') : text
}
