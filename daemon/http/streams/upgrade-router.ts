import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocketServer, type WebSocket } from 'ws'
import { messageOf } from '../../core/errors.ts'
import { inSlices } from '../../core/in-slices.ts'
import type { Logger } from '../../core/logger.ts'
import { systemTimers, type Timer, type Timers } from '../../core/timers.ts'
import type { PublishAnswer, PublishRequest } from '../../operations/publishing.ts'
import type { Feed } from '../../ports/feed.ts'
import type { Caller } from '../../ports/identity.ts'
import type { Gate } from '../server/gate.ts'
import { HttpProblem, rawAnswer, toProblem } from '../server/problem.ts'
import { WebSocketSession } from './websocket-session.ts'

/** A stream that carries MQTT, with the address of its client. */
export type MqttStream = Duplex & { remoteAddress?: string | undefined }

export interface UpgradeRouterOptions {
  feed: Feed
  /** Throws `not-found`. */
  channel: (id: string) => unknown
  publish: (request: PublishRequest, caller: Caller) => Promise<PublishAnswer>
  /** Returns false when the connection limit of the broker is reached. */
  acceptMqtt: (stream: MqttStream) => boolean
  logger: Logger
  /** Size limit of one frame from a client; at least the broker's limit for MQTT packets. */
  maxPayloadBytes?: number
  maxSockets?: number
  pingMs?: number
  timers?: Timers
}

const MAX_PAYLOAD_BYTES = 1024 * 1024
const MAX_SOCKETS = 1_500
const PING_MS = 20_000
const MQTT_PROTOCOLS = ['mqtt', 'mqttv3.1']

/** Handles HTTP upgrades: `/ws/{channel_id}`, and `/mqtt` for MQTT over WebSocket. */
export class UpgradeRouter {
  private readonly options: UpgradeRouterOptions
  private readonly channels: WebSocketServer
  private readonly mqtt: WebSocketServer
  private readonly sessions = new Set<WebSocketSession>()
  private readonly heartbeat: Timer

  constructor(options: UpgradeRouterOptions) {
    this.options = options
    const shared = {
      noServer: true,
      perMessageDeflate: false,
      maxPayload: options.maxPayloadBytes ?? MAX_PAYLOAD_BYTES,
    }
    this.channels = new WebSocketServer({ ...shared, handleProtocols: (offered) => chooseProtocol(offered) })
    this.mqtt = new WebSocketServer({
      ...shared,
      handleProtocols: (offered) => MQTT_PROTOCOLS.find((one) => offered.has(one)) ?? false,
    })
    const { timers = systemTimers, pingMs = PING_MS } = options
    this.heartbeat = timers.every(pingMs, () => this.beat())
  }

  /** Number of clients of `/ws`. */
  get count(): number {
    return this.sessions.size
  }

  /** Handles the `upgrade` event of a server. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer, gate: Gate): void {
    const broken = (error: Error): void =>
      this.options.logger.debug({ err: error }, 'a connection ended while it was being upgraded')
    socket.on('error', broken)
    this.admit(request, gate).then(
      (open) => {
        socket.off('error', broken)
        open(request, socket, head)
      },
      (error: unknown) => this.refuse(socket, error),
    )
  }

  /** Tells every client that the gateway stops. */
  close(): void {
    this.heartbeat.cancel()
    for (const session of this.sessions) session.end()
    for (const client of this.mqtt.clients) client.close(1001)
  }

  /** Cuts the clients that have not closed. */
  cut(): void {
    for (const session of this.sessions) session.cut()
    for (const client of this.mqtt.clients) client.terminate()
  }

  private async admit(
    request: IncomingMessage,
    gate: Gate,
  ): Promise<(request: IncomingMessage, socket: Duplex, head: Buffer) => void> {
    const refusal = gate.guard(request)
    if (refusal !== undefined) throw refusal
    const url = new URL(request.url ?? '/', 'http://gateway')
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim())
    if (request.headers.upgrade?.toLowerCase() !== 'websocket')
      throw new HttpProblem(400, 'request-invalid', 'The only protocol to upgrade to is WebSocket.')
    if (url.pathname === '/mqtt') {
      // An MQTT client is authenticated by its CONNECT packet. It must offer the subprotocol [MQTT-6.0.0-3].
      if (!offered.some((one) => MQTT_PROTOCOLS.includes(one)))
        throw new HttpProblem(400, 'request-invalid', 'MQTT over WebSocket needs the subprotocol mqtt.')
      return (from, socket, head) =>
        this.mqtt.handleUpgrade(from, socket, head, (client) => this.openMqtt(client, from))
    }
    const match = /^\/ws\/([A-Za-z0-9:._-]{1,128})$/.exec(url.pathname)
    if (match === null) throw new HttpProblem(404, 'not-found', `There is no WebSocket at ${url.pathname}.`)
    const bearer = offered.find((one) => one.startsWith('bearer.'))?.slice('bearer.'.length)
    const headers = bearer === undefined ? request.headers : { ...request.headers, authorization: `Bearer ${bearer}` }
    const remoteAddress = request.socket.remoteAddress ?? ''
    const channelId = match[1] ?? ''
    const caller = await gate.authorize({
      method: 'GET',
      url: request.url ?? '/',
      headers,
      remoteAddress,
      needs: 'publish',
      channelId,
    })
    this.options.channel(channelId)
    const max = this.options.maxSockets ?? MAX_SOCKETS
    if (this.sessions.size >= max) throw new HttpProblem(429, 'limit-reached', `${max} WebSockets are open.`)
    const from = url.searchParams.get('from') ?? url.searchParams.get('last_event_id')
    return (given, socket, head) =>
      this.channels.handleUpgrade(given, socket, head, (client) => this.open(client, socket, channelId, caller, from))
  }

  private open(client: WebSocket, socket: Duplex, channelId: string, caller: Caller, from: string | null): void {
    const { feed, publish, logger } = this.options
    const session = new WebSocketSession(client, socket, { channelId, caller, publish })
    this.sessions.add(session)
    const subscription = feed.subscribe({ kinds: new Set(['message'] as const), channelId }, from, session)
    session.pace.follow(subscription)
    client.on('error', (error) => logger.debug({ err: error }, 'a WebSocket failed'))
    client.on('close', () => {
      subscription.close()
      this.sessions.delete(session)
    })
  }

  private openMqtt(client: WebSocket, request: IncomingMessage): void {
    const stream: MqttStream = createWebSocketStream(client)
    Object.assign(stream, { remoteAddress: request.socket.remoteAddress })
    stream.on('error', (error) => this.options.logger.debug({ err: error }, 'MQTT over a WebSocket failed'))
    client.on('message', (_data, isBinary) => {
      if (!isBinary) client.close(1003, 'MQTT comes in binary frames')
    })
    if (!this.options.acceptMqtt(stream)) client.close(1013, 'no more connections')
  }

  private beat(): void {
    inSlices(this.sessions, (session) => {
      if (this.sessions.has(session)) session.beat()
    })
  }

  private refuse(socket: Duplex, error: unknown): void {
    const problem = toProblem(error)
    if (problem.status === 500) this.options.logger.error({ err: error }, `an upgrade failed: ${messageOf(error)}`)
    socket.end(rawAnswer(problem))
  }
}

/** Chooses a subprotocol other than the token; a client that offers only its token gets it back, as browsers fail without one. */
function chooseProtocol(offered: ReadonlySet<string>): string | false {
  return [...offered].find((one) => !one.startsWith('bearer.')) ?? [...offered][0] ?? false
}
