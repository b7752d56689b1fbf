import type { Server } from 'node:http'
import Fastify, { type FastifyInstance } from 'fastify'
import { EdgeError, messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { createNodeServer, type ConnectionLimits, type TlsFiles } from './node-server.ts'
import type { HttpPorts } from './ports.ts'
import { HttpProblem, sendProblem, toProblem } from './problem.ts'
import { createRequestGuard, type RequestGuard } from './request-guard.ts'

/** Adds one resource to the server. */
export type Routes = (app: FastifyInstance) => void

export interface HttpServerOptions {
  host: string
  /** 0 takes a free one. */
  port: number
  /** Names by which the gateway may be called, beside loopback and the listener's own. */
  hosts: readonly string[]
  tls?: TlsFiles
  maxBodyBytes?: number
  limits?: Partial<ConnectionLimits>
  authorize?: HttpPorts['authorize']
  routes: readonly Routes[]
  logger: Logger
}

export interface HttpServer {
  readonly app: FastifyInstance
  /** The same check for upgrades, which do not pass through the routes. */
  readonly guard: RequestGuard
  /** Resolves with the URL. */
  listen(): Promise<string>
  /** New certificates; connections that are open stay. */
  reloadTls(tls: TlsFiles): void
  /** Takes no more connections, lets requests end, and cuts what is left at the deadline. */
  close(deadlineMs: number): Promise<void>
}

const DEFAULT_BODY_BYTES = 1024 * 1024
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
  const { logger, authorize } = options
  const guard = createRequestGuard([options.host, ...options.hosts])
  // Where a name has several addresses, each gets a server of its own.
  const servers: Server[] = []
  const node = createNodeServer(options.tls, options.limits)

  const app = Fastify({
    logger: false,
    bodyLimit: options.maxBodyBytes ?? DEFAULT_BODY_BYTES,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    serverFactory: (handler) => {
      const server = node.create(handler)
      servers.push(server)
      return server
    },
  })
  // JSON only: fastify would also take text, which a foreign page may post without asking.
  app.removeContentTypeParser('text/plain')

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS)
    const { host, origin } = request.headers
    const refusal = guard({ host, origin, localAddress: request.socket.localAddress })
    if (refusal !== undefined) throw new HttpProblem(refusal.status, refusal.code, refusal.detail)
    const path = request.url.split('?', 1)[0] ?? '/'
    if (authorize === undefined || OPEN_TO_ALL.has(path)) return
    const verdict = await authorize({
      method: request.method,
      path,
      headers: request.headers,
      remoteAddress: request.ip,
    })
    if (verdict === 'unauthenticated')
      throw new HttpProblem(401, 'unauthenticated', 'This needs an API key or a token.')
    if (verdict === 'forbidden') throw new EdgeError('not-permitted', 'This identity may not do that.')
  })
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error)
    if (problem.status === 500)
      logger.error({ err: error, method: request.method, path: request.url }, 'a request failed')
    return sendProblem(reply, problem)
  })
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, toProblem(new HttpProblem(404, 'not-found', `There is no ${request.method} ${request.url}.`))),
  )
  for (const routes of options.routes) routes(app)

  return {
    app,
    guard,
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
      }, deadlineMs)
      try {
        await app.close()
      } finally {
        clearTimeout(cut)
      }
    },
  }
}
