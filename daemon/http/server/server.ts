import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { EdgeError, messageOf } from '../../core/errors.ts'
import { systemTimers, type Timers } from '../../core/timers.ts'
import { BodyBudget } from './body-budget.ts'
import { channelInBody, channelInUrl, createGate, gatedRequest, pathOf, type Gate, type GateOptions } from './gate.ts'
import { createNodeServer, type ConnectionCounts, type ConnectionLimits, type TlsFiles } from './node-server.ts'
import { addOpenApi } from './openapi.ts'
import { HttpProblem, sendProblem, toProblem } from './problem.ts'

/** Adds the routes of one resource to the server. */
export type Routes = (app: FastifyInstance) => void

/** Handles connections whose clients ask for another protocol. */
export interface Upgrades {
  handle(request: IncomingMessage, socket: Duplex, head: Buffer, gate: Gate): void
  /** Tells every client that the gateway stops. */
  close(): void
  /** Cuts the connections that are still open. */
  cut(): void
}

export interface HttpServerOptions extends GateOptions {
  /** 0 chooses a free port. */
  port: number
  tls?: TlsFiles
  maxBodyBytes?: number
  limits?: Partial<ConnectionLimits>
  routes: readonly Routes[]
  upgrades?: Upgrades
  timers?: Timers
}

/** Connections and requests that were refused by a limit. */
export interface HttpCounts extends ConnectionCounts {
  /** Requests that were refused because the memory for bodies was full. */
  bodiesRefused: number
}

export interface HttpServer {
  readonly app: FastifyInstance
  readonly counts: HttpCounts
  /** Resolves with the URL. */
  listen(): Promise<string>
  /** Replaces the certificate; open connections stay. */
  reloadTls(tls: TlsFiles): void
  /** Accepts no more connections, lets requests end, and cuts the rest at the deadline. */
  close(deadlineMs: number): Promise<void>
}

const DEFAULT_BODY_BYTES = 1024 * 1024
/** Memory for the large bodies of all requests together. */
const MAX_BODIES_BYTES = 32 * 1024 * 1024
/** Paths that answer without an identity. */
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
  const { logger, timers = systemTimers } = options
  const gate = createGate(options)
  // A host name with several addresses gets a server for each.
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
    // Input is checked as it was sent: no value is converted, removed or filled in.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allowUnionTypes: true } },
    // Hooks and routes do not see a path that cannot be decoded, so it passes the gate here.
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
  // JSON only: foreign pages may post text without a preflight request, and fastify would accept it.
  app.removeContentTypeParser('text/plain')
  // Schemas of answers only document them; fastify's serializer would drop members that they do not name.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.decorateRequest('caller', null)
  app.decorate('auditLogger', logger)
  app.addHook('onRoute', (route) => allowed.register(route.url, route.method))

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
    request.caller = await gate.authorize(gatedRequest(request, channelInUrl(request)))
    bodies.admit(request, reply)
  })
  app.addHook('preHandler', async (request) => {
    // The channel is known only now, after the body was read.
    if (request.routeOptions.config.channel !== 'body') return
    request.caller = await gate.authorize(gatedRequest(request, channelInBody(request)))
  })
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error)
    if (problem.status === 500)
      logger.error({ err: error, method: request.method, path: request.url, request: request.id }, 'a request failed')
    return sendProblem(reply, problem)
  })
  app.setNotFoundHandler((request, reply) => {
    const methods = allowed.methodsOf(pathOf(request.url))
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
        // fastify does not know that its servers use TLS.
        return `${options.tls === undefined ? 'http' : 'https'}://${url.host}`
      } catch (error) {
        const where = `${options.host}:${options.port}`
        throw new EdgeError('listen-failed', `cannot listen on ${where}: ${messageOf(error)}`, { cause: error })
      }
    },
    reloadTls: (tls) => node.reload(tls),
    close: async (deadlineMs) => {
      const deadline = timers.after(deadlineMs, () => {
        for (const server of servers) server.closeAllConnections()
        options.upgrades?.cut()
      })
      options.upgrades?.close()
      try {
        await app.close()
      } finally {
        deadline.cancel()
      }
    },
  }
}

/** Sets the headers of every answer, and checks Host and Origin. Returns the refusal, if any. */
function admit(request: FastifyRequest, reply: FastifyReply, gate: Gate): HttpProblem | undefined {
  reply.headers(HEADERS)
  reply.header('x-request-id', request.id)
  return gate.guard(request.raw)
}

/** The id that the caller gave, if it can be searched for in a log, else a new one. */
function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : randomUUID()
}

/** The methods of each path, for the `Allow` header of a 405 (RFC 9110, section 15.5.6). */
class AllowedMethods {
  private readonly patterns = new Map<string, { pattern: RegExp; methods: Set<string> }>()

  register(url: string, methods: string | readonly string[]): void {
    let known = this.patterns.get(url)
    if (known === undefined) {
      const source = url
        .split('/')
        .map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll(/[^A-Za-z0-9_-]/g, '\\$&')))
      this.patterns.set(url, (known = { pattern: new RegExp(`^${source.join('/')}$`), methods: new Set() }))
    }
    for (const method of [methods].flat()) known.methods.add(method)
  }

  methodsOf(path: string): string[] {
    const found = [...this.patterns.values()].filter(({ pattern }) => pattern.test(path))
    return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort()
  }
}
