import type { DocumentDetail, PublishPort, RegistryPort, ValidateAnswer } from './http/api-ports.ts'
import { EdgeError } from './core/errors.ts'
import { parseJson } from './core/json.ts'
import { page, type PageOrder } from './http/paging.ts'
import type { AsyncApiManager } from './manager/asyncapi-manager.ts'
import type { ChannelListing } from './core/listings.ts'
import type { DocumentLists } from './manager/document-lists.ts'
import type { RegisteredDocument } from './manager/document-registry.ts'
import type { DryRun } from './manager/dry-run.ts'
import type { Registrar } from './manager/registrar.ts'
import type { Ingest } from './pipeline/ingest.ts'
import type { Judgement } from './pipeline/judge.ts'
import type { Plan, PlanTarget } from './pipeline/plan.ts'
import type { Publisher } from './pipeline/publisher.ts'
import { TargetRenderer } from './pipeline/render-target.ts'

const BY_REGISTRATION: PageOrder<RegisteredDocument> = {
  keyOf: ({ serial }) => padded(serial),
  form: /^\d{10}$/,
}

/** The documents as they were registered, the channels as they stand in them. */
const BY_DOCUMENT: PageOrder<{ channel: ChannelListing; number: number }> = {
  keyOf: ({ channel, number }) => `${channel.created_at}_${channel.asyncapi_document_id}_${padded(number)}`,
  form: /^[0-9TZ:.-]{24}_[^_]+_\d{10}$/,
}

/** The registry as the API sees it. */
export function registryPort(
  manager: AsyncApiManager,
  registrar: Registrar,
  lists: DocumentLists,
  dryRun: DryRun,
): RegistryPort {
  return {
    async register({ name = '', content, version, base_url, mode = 'strict' }, caller) {
      const options = { mode, by: caller.name }
      const { document, contract, changes } = await manager.registerAsyncapi(name, content, version, base_url, options)
      const channels = manager.listChannels(document.id)
      return {
        id: document.id,
        name: document.name,
        version: document.version,
        channels,
        diagnostics: contract.diagnostics,
        changes,
      }
    },
    dryRun: ({ name, content, version, base_url, mode = 'strict' }) =>
      dryRun.run({
        name,
        text: typeof content === 'string' ? content : JSON.stringify(content),
        version,
        baseUrl: base_url,
        mode,
      }),
    documents(request) {
      const { items, ...rest } = page(lists.registered(request), BY_REGISTRATION, request)
      return { items: items.map((one) => lists.listing(one)), ...rest }
    },
    document(id): DocumentDetail {
      const { listing, contract, channels } = lists.document(id)
      return {
        ...listing,
        specification: contract?.specification ?? '',
        title: contract?.title ?? listing.name,
        description: contract?.description ?? null,
        content: lists.content(id),
        servers: (contract?.servers ?? []).map((server) => ({
          name: server.name,
          protocol: server.protocol,
          url: server.url,
          description: server.description ?? null,
          security_scheme: contract?.securitySchemes.find((one) => server.security.includes(one.id))?.scheme ?? null,
        })),
        diagnostics: contract?.diagnostics ?? [],
        channels,
      }
    },
    unregister: (id) => manager.unregister(id),
    async pin(id, pinned) {
      await registrar.pin(id, pinned)
      return lists.document(id).listing
    },
    channels({ asyncapi_document_id, ...rest }) {
      const { items, ...more } = page(numbered(manager.listChannels(asyncapi_document_id)), BY_DOCUMENT, rest)
      return { items: items.map(({ channel }) => channel), ...more }
    },
    channel: (id) => lists.channel(id),
    schema: (id) => manager.getMessageSchema(id),
  }
}

/** Each with its place in its document. */
function numbered(channels: readonly ChannelListing[]): { channel: ChannelListing; number: number }[] {
  const counts = new Map<string, number>()
  return channels.map((channel) => {
    const number = counts.get(channel.asyncapi_document_id) ?? 0
    counts.set(channel.asyncapi_document_id, number + 1)
    return { channel, number }
  })
}

function padded(number: number): string {
  return String(number).padStart(10, '0')
}

export function publishPort(manager: AsyncApiManager, publisher: Publisher, ingest: Ingest): PublishPort {
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
        return describe(topic, given, ingest.judge.judge(topic, given, headers, message))
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
