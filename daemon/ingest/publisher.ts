import type { ContractChannel, ContractMessage } from '../asyncapi/contract/contract.ts'
import { renderAddress } from '../asyncapi/matching/render-address.ts'
import { UNDESCRIBED_MESSAGE } from '../asyncapi/messages/channel-check.ts'
import { encodePayload } from '../asyncapi/messages/encode-payload.ts'
import { isReservedTopic, topicFault, type TopicLimits } from '../broker/topic-rules.ts'
import { asBuffer } from '../core/bytes.ts'
import { EdgeError } from '../core/errors.ts'
import type { Headers } from '../core/message.ts'
import { withDeadline, type Timers } from '../core/timers.ts'
import type { PublishInput, PublishOutcome } from '../ports/publication.ts'
import type { ActiveChannel } from '../verdict/compiled-document.ts'
import type { InForce } from '../verdict/in-force.ts'
import { refusalOf, type Judgement, type Passed } from '../verdict/judgement.ts'
import { refuseUnreachable } from '../verdict/unreachable.ts'
import type { Ingest } from './ingest.ts'

/** A message as it comes from the API, a WebSocket or a program. */
export interface PublishRequest {
  channelId: string
  /** A value, encoded by the message's content type; or the bytes themselves. */
  value?: unknown
  bytes?: Uint8Array | undefined
  headers?: Headers | undefined
  /** Parameters of the channel's address; missing ones are taken from fields of the value. */
  parameters?: Readonly<Record<string, string>> | undefined
  /** Name of the message definition that the publisher claims. */
  message?: string | undefined
}

export interface Published {
  /** message-id */
  id: string
  topic: string
}

export interface PublisherOptions {
  ingest: Ingest
  inForce: Pick<InForce, 'judge' | 'catalogue'>
  limits: TopicLimits & { maxPacketSizeBytes: number }
  messageIdPrefix: string
  isFull: () => string | undefined
  timers: Timers
  /** To local subscribers, once it is durable. */
  deliver: (topic: string, payload: Buffer, qos: 0 | 1 | 2, retain: boolean) => void
}

/** A publication that is rendered and judged, and not stored. */
export interface PreparedMessage {
  active: ActiveChannel
  input: PublishInput
  judgement: Judgement
}

/** Of all headers of a message, as JSON. */
const MAX_HEADER_BYTES = 32 * 1024
/** Longest wait for the commit before the publisher gets `store-full`. */
const STORE_WAIT_MS = 10_000

/** Publishes to channels as a device does to topics: checked, stored, acknowledged, delivered, forwarded. */
export class Publisher {
  private readonly options: PublisherOptions

  constructor(options: PublisherOptions) {
    this.options = options
  }

  /**
   * Resolves once the message is durable. `identity` becomes the client id of the message.
   * Throws MessageRefused, and EdgeErrors `not-found`, `parameter-missing`, `parameter-invalid`, `channel-unaddressed`,
   * `topic-invalid`, `topic-reserved`, `message-too-large`, `store-full`, `shutting-down`.
   */
  async publish(request: PublishRequest, identity: string): Promise<Published> {
    return this.inTime(this.begin(request, identity))
  }

  /**
   * As `publish`, without a time limit: settles when the message is durable or lost, however long the store takes. `alongside` is
   * called with the answer before the commit, to write more in the same commit.
   */
  begin(request: PublishRequest, identity: string, alongside?: (answer: Published) => void): Promise<Published> {
    const { ingest, deliver } = this.options
    const full = this.options.isFull()
    if (full !== undefined) throw new EdgeError('store-full', `The store takes no messages: ${full}.`)
    const { active, input, judgement } = this.prepare(request, identity)
    if (judgement.verdict === 'refuse') {
      ingest.turnDown(input, { ...judgement, channel: judgement.channel ?? active }, request.headers)
      throw refusalOf(judgement)
    }
    const { topic, payload, qos, retain } = input
    const stored = this.store(input, judgement, request.headers, {
      durable: () => {
        if (!active.upstreamOnly) deliver(topic, payload, qos, retain)
      },
      alongside: (id) => alongside?.({ id, topic }),
    })
    return stored.then((id) => ({ id, topic }))
  }

  /** The answer of a publication, or `store-full` when the store takes too long. The message may still be stored later. */
  inTime(begun: Promise<Published>): Promise<Published> {
    const late = (): Error => new EdgeError('store-full', 'The store did not take the message in time.')
    return withDeadline(this.options.timers, begun, STORE_WAIT_MS, late)
  }

  /**
   * Stores a judged message. Resolves to its message-id when it is durable, after `durable` was called. `alongside` is called
   * before the commit, to write more in the same commit. Rejects with `store-full`, `message-too-large`.
   */
  store(
    input: PublishInput,
    passed: Passed,
    headers: Headers | undefined,
    hooks: { durable?: () => void; alongside: (id: string) => void },
  ): Promise<string> {
    const { ingest, messageIdPrefix } = this.options
    return new Promise((resolve, reject) => {
      const done = (outcome: PublishOutcome): void => {
        if (outcome === 'set-aside')
          return reject(new EdgeError('message-too-large', 'The topic or the headers take over 65,535 bytes.'))
        if (outcome !== 'deliver') return reject(new EdgeError('store-full', 'The store takes no messages now.'))
        hooks.durable?.()
        resolve(id)
      }
      const seq = ingest.submit(input, passed, done, headers)
      const id = `${messageIdPrefix}${seq ?? ''}`
      if (seq !== undefined) hooks.alongside(id)
    })
  }

  /** Renders topic and payload and judges them; stores nothing. Throws as `publish` does, except for a refusal by the judgement. */
  prepare(request: PublishRequest, identity: string): PreparedMessage {
    const { inForce, limits } = this.options
    const active = inForce.catalogue.channel(request.channelId)
    if (active === undefined)
      throw new EdgeError('not-found', `There is no channel ${request.channelId} in force.`, {
        place: { field: 'channel_id' },
      })
    const { channel } = active
    const topic = renderAddress(channel, request.parameters ?? {}, request.value)
    const fault = topicFault(topic, limits)
    if (fault !== undefined) throw new EdgeError('topic-invalid', `The topic ${topic} ${fault}.`)
    if (isReservedTopic(topic)) throw new EdgeError('topic-reserved', `The topic ${topic} belongs to the broker.`)
    const payload =
      request.bytes === undefined ? encodePayload(meant(channel, request.message), request.value) : request.bytes
    if (payload.length > limits.maxPacketSizeBytes)
      throw new EdgeError('message-too-large', `The payload has more than ${limits.maxPacketSizeBytes} bytes.`)
    const headerBytes = Buffer.byteLength(JSON.stringify(request.headers ?? {}))
    if (headerBytes > MAX_HEADER_BYTES)
      throw new EdgeError('message-too-large', `The headers take ${headerBytes} of ${MAX_HEADER_BYTES} bytes.`, {
        place: { field: 'headers' },
        hint: 'Send fewer or shorter headers, or move their content into the payload.',
      })
    const { qos, retain } = delivery(channel)
    const bytes = asBuffer(payload)
    const input: PublishInput = {
      topic,
      payload: bytes,
      qos,
      // What goes to upstreams only is nothing for local subscribers.
      retain: retain && !active.upstreamOnly,
      clientId: identity,
      packetId: undefined,
      origin: 'api',
    }
    const { judge } = inForce
    const judgement = active.upstreamOnly
      ? refuseUnreachable(active, judge.judgeOn(active, topic, bytes, request.headers, request.message))
      : judge.judge(topic, bytes, request.headers, request.message)
    return { active, input, judgement }
  }
}

/** The message definition whose content type encodes the value. */
function meant(channel: ContractChannel, name: string | undefined): ContractMessage {
  const found = channel.messages.find((message) => message.name === name) ?? channel.messages[0]
  return found ?? { ...UNDESCRIBED_MESSAGE, contentType: 'application/json' }
}

/** Quality of service and retain of the channel's mqtt operation binding, else 1 and false. */
function delivery(channel: ContractChannel): { qos: 0 | 1 | 2; retain: boolean } {
  for (const { bindings } of channel.operations) {
    const binding = bindings['mqtt']
    if (typeof binding !== 'object' || binding === null) continue
    const { qos, retain } = binding as { qos?: unknown; retain?: unknown }
    return { qos: qos === 0 || qos === 2 ? qos : 1, retain: retain === true }
  }
  return { qos: 1, retain: false }
}
