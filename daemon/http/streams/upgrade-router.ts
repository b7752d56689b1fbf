import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocketServer, type WebSocket } from 'ws'
import { messageOf } from '../../core/errors.ts'
import { inSlices } from '../../core/in-slices.ts'
import type { Logger } from '../../core/logger.ts'
import type { PublishAnswer, PublishRequest } from '../../operations/publishing.ts'
import type { Feed } from '../../ports/feed.ts'
import type { Caller } from '../../ports/identity.ts'
import { HttpProblem, rawAnswer, toProblem } from '../server/problem.ts'
import type { Gate } from '../server/server.ts'
import { WebSocketSession } from './websocket-session.ts'

/** A stream that carries MQTT, with the address of whoever is at its other end. */
export type MqttStream = Duplex & { remoteAddress?: string | undefined }

export interface UpgradeRouterOptions {
  feed: Feed
  /** Throws `not-found`. */
  channel: (id: string) => unknown
  publish: (request: PublishRequest, caller: Caller) => Promise<PublishAnswer>
  /** False: the broker has no place for it. */
  acceptMqtt: (stream: MqttStream) => boolean
  logger: Logger
  /** Of one frame from a client; MQTT packets may be as large as the broker lets them. */
  maxPayloadBytes?: number
  maxSockets?: number
  pingMs?: number
}

const MAX_PAYLOAD_BYTES = 1024 * 1024
const MAX_SOCKETS = 1_500
const PING_MS = 20_000
const MQTT_PROTOCOLS = ['mqtt', 'mqttv3.1']

/** `/ws/{channel_id}` and `/mqtt`: whatever comes by an upgrade of HTTP. */
export class UpgradeRouter {
  private readonly options: UpgradeRouterOptions
  private readonly channels: WebSocketServer
  private readonly mqtt: WebSocketServer
  private readonly sessions = new Set<WebSocketSession>()
  private readonly timer: NodeJS.Timeout

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
    this.timer = setInterval(() => this.beat(), options.pingMs ?? PING_MS).unref()
  }

  /** Clients of `/ws`. */
  get count(): number {
    return this.sessions.size
  }

  /** For the `upgrade` event of a server. */
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
    clearInterval(this.timer)
    for (const session of this.sessions) session.end()
    for (const client of this.mqtt.clients) client.close(1001)
  }

  /** Ends those that have not answered. */
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
      throw new HttpProblem(400, 'request-invalid', 'WebSocket is the one protocol that connections can change to.')
    if (url.pathname === '/mqtt') {
      // The MQTT client says who it is in its CONNECT.
      if (!offered.some((one) => MQTT_PROTOCOLS.includes(one)))
        throw new HttpProblem(400, 'request-invalid', 'MQTT over WebSocket asks for the subprotocol mqtt.')
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

/** A client that offers its token alone gets it back, as the protocol has it; a better name is taken first. */
function chooseProtocol(offered: ReadonlySet<string>): string | false {
  return [...offered].find((one) => !one.startsWith('bearer.')) ?? [...offered][0] ?? false
}
