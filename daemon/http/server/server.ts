import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { EdgeError, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { AccessNeed, Caller, Authorize } from '../../ports/identity.ts'
import { AllowedMethods } from './allowed-methods.ts'
import { BodyBudget } from './body-budget.ts'
import { LOCAL_CALLER } from './caller.ts'
import { createNodeServer, type ConnectionCounts, type ConnectionLimits, type TlsFiles } from './node-server.ts'
import { addOpenApi } from './openapi.ts'
import { HttpProblem, sendProblem, toProblem } from './problem.ts'
import { createRequestGuard } from './request-guard.ts'

/** Adds one resource to the server. */
export type Routes = (app: FastifyInstance) => void

/** Takes over connections whose clients ask for another protocol. */
export interface Upgrades {
  handle(request: IncomingMessage, socket: Duplex, head: Buffer, gate: Gate): void
  /** Tells every client that the gateway stops. */
  close(): void
  /** Ends those that are still there. */
  cut(): void
}

/** The checks that every request passes, for those that do not pass through the routes. */
export interface Gate {
  /** Why a request of this Host or Origin is refused; undefined: go on. */
  guard: (request: IncomingMessage) => HttpProblem | undefined
  /** Throws HttpProblem or EdgeError. */
  authorize: (request: GatedRequest) => Promise<Caller>
}

/** As much of a request as the gate looks at. */
export interface GatedRequest {
  method: string
  url: string
  headers: IncomingMessage['headers']
  remoteAddress: string
  needs: AccessNeed
  channelId?: string | undefined
}

export interface HttpServerOptions {
  host: string
  /** 0 takes a free one. */
  port: number
  /** Names by which the gateway may be called, beside loopback and the listener's own. */
  hosts: readonly string[]
  tls?: TlsFiles
  maxBodyBytes?: number
  limits?: Partial<ConnectionLimits>
  authorize?: Authorize | undefined
  /** The caller of a ticket, which is used up by asking. */
  ticket?: (ticket: string, path: string) => Caller | undefined
  routes: readonly Routes[]
  upgrades?: Upgrades
  logger: Logger
}

/** What was turned away to keep within the limits. */
export interface HttpCounts extends ConnectionCounts {
  /** Requests whose bodies found no room. */
  bodiesRefused: number
}

export interface HttpServer {
  readonly app: FastifyInstance
  readonly counts: HttpCounts
  /** Resolves with the URL. */
  listen(): Promise<string>
  /** New certificates; connections that are open stay. */
  reloadTls(tls: TlsFiles): void
  /** Takes no more connections, lets requests end, and cuts what is left at the deadline. */
  close(deadlineMs: number): Promise<void>
}

const DEFAULT_BODY_BYTES = 1024 * 1024
/** Of all requests together. */
const MAX_BODIES_BYTES = 32 * 1024 * 1024
const OPEN_TO_ALL: ReadonlySet<string> = new Set(['/healthz', '/readyz'])

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { logger } = options
  const guard = createRequestGuard([options.host, ...options.hosts])
  const gate: Gate = {
    guard: ({ headers: { host, origin }, socket: { localAddress } }) => {
      const refusal = guard({ host, origin, localAddress })
      return refusal && new HttpProblem(refusal.status, refusal.code, refusal.detail)
    },
    authorize: (request) => authorize(options, request),
  }
  // Where a name has several addresses, each gets a server of its own.
  const servers: Server[] = []
  const node = createNodeServer(options.tls, options.limits)
  const allowed = new AllowedMethods()
  const bodies = new BodyBudget(MAX_BODIES_BYTES)

  const app = Fastify({
    logger: false,
    bodyLimit: options.maxBodyBytes ?? DEFAULT_BODY_BYTES,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    // What is given is what is checked: nothing is converted, removed or filled in.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allowUnionTypes: true } },
    // A path that cannot be decoded reaches no hook and no route.
    frameworkErrors: (error, request, reply) => {
      sendProblem(reply, toProblem(admit(request, reply, gate) ?? error))
    },
    serverFactory: (handler) => {
      const server = node.create(handler)
      const { upgrades } = options
      if (upgrades !== undefined)
        server.on('upgrade', (request, socket, head) => upgrades.handle(request, socket, head, gate))
      servers.push(server)
      return server
    },
  })
  // JSON only: fastify would also take text, which a foreign page may post without asking.
  app.removeContentTypeParser('text/plain')
  // Schemas of answers document them; what free-form members hold must not be cut to fit.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.decorateRequest('caller', null)
  app.decorate('auditLogger', logger)
  app.addHook('onRoute', (route) => allowed.add(route.url, route.method))

  app.addHook('onRequest', async (request, reply) => {
    const refusal = admit(request, reply, gate)
    if (refusal !== undefined) throw refusal
    const path = pathOf(request.url)
    if (OPEN_TO_ALL.has(path)) {
      const { method, headers, ip: remoteAddress } = request
      const verdict = await options.authorize?.({ method, path, headers, remoteAddress, needs: 'read' })
      if (typeof verdict === 'object') request.caller = verdict
      return
    }
    request.caller = await gate.authorize(gated(request, channelOf(request)))
    bodies.admit(request, reply)
  })
  app.addHook('preHandler', async (request) => {
    // Before the body was read nobody could know which channel it means.
    if (request.routeOptions.config.channel !== 'body') return
    request.caller = await gate.authorize(gated(request, textIn(request.body, 'channel_id')))
  })
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error)
    if (problem.status === 500)
      logger.error({ err: error, method: request.method, path: request.url, request: request.id }, 'a request failed')
    return sendProblem(reply, problem)
  })
  app.setNotFoundHandler((request, reply) => {
    const methods = allowed.of(pathOf(request.url))
    if (methods.length === 0)
      return sendProblem(
        reply,
        toProblem(new HttpProblem(404, 'not-found', `There is no ${request.method} ${request.url}.`)),
      )
    reply.header('allow', methods.join(', '))
    const detail = `${pathOf(request.url)} takes ${methods.join(', ')}.`
    return sendProblem(reply, toProblem(new HttpProblem(405, 'method-not-allowed', detail)))
  })
  addOpenApi(app)
  app.register((scope, _options, done) => {
    for (const routes of options.routes) routes(scope)
    done()
  })

  return {
    app,
    get counts() {
      return { ...node.counts, bodiesRefused: bodies.refused }
    },
    listen: async () => {
      try {
        const url = new URL(await app.listen({ host: options.host, port: options.port }))
        // The framework does not know what its servers speak.
        return `${options.tls === undefined ? 'http' : 'https'}://${url.host}`
      } catch (error) {
        const where = `${options.host}:${options.port}`
        throw new EdgeError('listen-failed', `cannot listen on ${where}: ${messageOf(error)}`, { cause: error })
      }
    },
    reloadTls: (tls) => node.reload(tls),
    close: async (deadlineMs) => {
      const cut = setTimeout(() => {
        for (const server of servers) server.closeAllConnections()
        options.upgrades?.cut()
      }, deadlineMs)
      options.upgrades?.close()
      try {
        await app.close()
      } finally {
        clearTimeout(cut)
      }
    },
  }
}

/** What comes before anything else of a request is looked at; returns why it is refused. */
function admit(request: FastifyRequest, reply: FastifyReply, gate: Gate): HttpProblem | undefined {
  reply.headers(HEADERS)
  reply.header('x-request-id', request.id)
  return gate.guard(request.raw)
}

async function authorize(options: HttpServerOptions, request: GatedRequest): Promise<Caller> {
  const path = pathOf(request.url)
  const caller = callerOfTicket(options, request, path)
  if (options.authorize === undefined) return caller ?? LOCAL_CALLER
  const { method, headers, remoteAddress, needs, channelId } = request
  const verdict = await options.authorize({ method, path, headers, remoteAddress, needs, channelId, caller })
  if (typeof verdict === 'object') return verdict
  const subject = `${remoteAddress} ${needs}`
  const fields = { code: verdict, subject, method, path, needs, channel: channelId }
  options.logger.warn(fields, 'audit: a request was refused')
  if (verdict === 'unauthenticated') throw new HttpProblem(401, 'unauthenticated', 'This needs an API key or a token.')
  throw new EdgeError('not-permitted', 'This identity may not do that.')
}

/** Undefined where none is presented. Throws HttpProblem or EdgeError. */
function callerOfTicket(options: HttpServerOptions, { url, method }: GatedRequest, path: string): Caller | undefined {
  const ticket = new URLSearchParams(url.split('?')[1] ?? '').get('ticket')
  if (ticket === null) return undefined
  const caller = options.ticket?.(ticket, path)
  if (caller === undefined)
    throw new HttpProblem(401, 'unauthenticated', 'This ticket is used, too old, or for another path.')
  if (method !== 'GET') throw new EdgeError('not-permitted', 'A ticket opens a stream or a WebSocket.')
  return caller
}

function gated({ method, url, headers, ip, routeOptions }: FastifyRequest, channelId?: string): GatedRequest {
  return { method, url, headers, remoteAddress: ip, needs: routeOptions.config.access ?? 'read', channelId }
}

/** The channel that path or query name. */
function channelOf({ routeOptions, params, query }: FastifyRequest): string | undefined {
  const { channel } = routeOptions.config
  if (channel === 'path') return textIn(params, 'id')
  return channel === 'query' ? textIn(query, 'channel_id') : undefined
}

function textIn(values: unknown, name: string): string | undefined {
  if (typeof values !== 'object' || values === null) return undefined
  const value: unknown = Reflect.get(values, name)
  return typeof value === 'string' ? value : undefined
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '/'
}

/** The caller's own, where it is one that can be looked for. */
function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : randomUUID()
}
