import { EdgeError } from '../core/errors.ts'
import { parseJson } from '../core/json.ts'
import type { Violation } from '../core/message.ts'
import type { Publisher } from '../ingest/publisher.ts'
import type { AsyncApiManager } from '../manager/asyncapi-manager.ts'
import type { Caller } from '../ports/identity.ts'
import type { InForce } from '../verdict/in-force.ts'
import type { Judgement } from '../verdict/judgement.ts'
import type { Plan, PlanTarget } from '../verdict/plan.ts'
import { TargetRenderer } from '../verdict/render-target.ts'

export interface PublishRequest {
  channel_id: string
  payload?: unknown
  payloadBase64?: string | undefined
  headers?: Readonly<Record<string, string>> | undefined
  parameters?: Readonly<Record<string, string>> | undefined
  /** Name of the message definition that the publisher claims. */
  message?: string | undefined
}

export interface PublishAnswer {
  /** message-id */
  id: string
  topic: string
}

export interface ValidateRequest extends Partial<PublishRequest> {
  topic?: string
}

export interface ValidateAnswer {
  valid: boolean
  topic: string
  document: string | null
  channel: string | null
  message: string | null
  destinations: { name: string; address: string | null; key: string | null }[]
  code: string | null
  errors: readonly Violation[]
}

export interface PublishPort {
  /**
   * Resolves once the message is durable. Throws MessageRefused, EdgeError `not-found`, `parameter-missing`,
   * `channel-unaddressed`, `store-full`, `idempotency-conflict`.
   */
  publish(request: PublishRequest, caller: Caller, idempotencyKey?: string): Promise<PublishAnswer>
  validate(request: ValidateRequest): ValidateAnswer
}

export function publishPort(
  manager: AsyncApiManager,
  publisher: Publisher,
  inForce: Pick<InForce, 'judge'>,
): PublishPort {
  return {
    publish(request, caller, idempotencyKey) {
      const { channel_id, payload, payloadBase64, headers, parameters, message } = request
      const data = payloadBase64 === undefined ? payload : Buffer.from(payloadBase64, 'base64')
      const options = { identity: caller.name, headers, parameters, message, idempotencyKey }
      return manager.publishMessage(channel_id, data, options)
    },
    validate(request) {
      const { topic, channel_id, payload, payloadBase64, headers, parameters, message } = request
      const bytes = payloadBase64 === undefined ? undefined : Buffer.from(payloadBase64, 'base64')
      if (topic !== undefined) {
        const given = bytes ?? Buffer.from(JSON.stringify(payload ?? null))
        return describe(topic, given, inForce.judge.judge(topic, given, headers, message))
      }
      if (channel_id === undefined)
        throw new EdgeError('request-invalid', 'Name a topic or a channel.', { place: { field: 'topic' } })
      const given = bytes === undefined ? { value: payload } : { bytes }
      const prepared = publisher.prepare({ channelId: channel_id, ...given, headers, parameters, message }, 'validate')
      return describe(prepared.input.topic, prepared.input.payload, prepared.judgement)
    },
  }
}

function describe(topic: string, payload: Buffer, judgement: Judgement): ValidateAnswer {
  if (judgement.verdict === 'refuse') {
    const { code, errors, document, message, channel } = judgement
    return { valid: false, topic, document, channel: channel?.id ?? null, message, destinations: [], code, errors }
  }
  const { plan } = judgement
  return {
    valid: plan.invalid !== true,
    topic,
    document: plan.document,
    channel: plan.channelIds?.[0] ?? null,
    message: plan.message,
    destinations: plan.targets.map((target) => ({ name: target.to, ...rendered(plan, target, topic, payload) })),
    code: null,
    errors: judgement.tagged ?? [],
  }
}

function rendered(
  plan: Plan,
  target: PlanTarget,
  topic: string,
  payload: Buffer,
): { address: string | null; key: string | null } {
  try {
    const { address, key } = new TargetRenderer(plan, target).render({
      topic,
      headers: {},
      payload: () => parseJson(payload.toString('utf8')),
    })
    return { address, key }
  } catch (error) {
    if (!(error instanceof EdgeError)) throw error
    return { address: null, key: null }
  }
}
