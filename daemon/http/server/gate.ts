import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { EdgeError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { AccessNeed, Authorize, Caller } from '../../ports/identity.ts'
import { LOCAL_CALLER } from './caller.ts'
import { HttpProblem } from './problem.ts'
import { createRequestGuard } from './request-guard.ts'

/** The checks of every request, shared by the routes and by WebSocket upgrades, which bypass the routes. */
export interface Gate {
  /** Checks Host and Origin. Returns the refusal, or undefined for a request that may go on. */
  guard: (request: IncomingMessage) => HttpProblem | undefined
  /** Resolves to the caller. Rejects with HttpProblem or EdgeError. */
  authorize: (request: GatedRequest) => Promise<Caller>
}

/** The part of a request that decides who may make it. */
export interface GatedRequest {
  method: string
  url: string
  headers: IncomingMessage['headers']
  remoteAddress: string
  needs: AccessNeed
  channelId?: string | undefined
}

export interface GateOptions {
  host: string
  /** Further names of the gateway, beside loopback and `host`. */
  hosts: readonly string[]
  /** Without it every caller is the local admin. */
  authorize?: Authorize | undefined
  /** Redeems a ticket: returns its caller and uses the ticket up. */
  ticket?: (ticket: string, path: string) => Caller | undefined
  logger: Logger
}

export function createGate(options: GateOptions): Gate {
  const guard = createRequestGuard([options.host, ...options.hosts])
  return {
    guard: ({ headers: { host, origin }, socket: { localAddress } }) => {
      const refusal = guard({ host, origin, localAddress })
      return refusal && new HttpProblem(refusal.status, refusal.code, refusal.detail)
    },
    authorize: (request) => authorize(options, request),
  }
}

async function authorize(options: GateOptions, request: GatedRequest): Promise<Caller> {
  const path = pathOf(request.url)
  const caller = callerOfTicket(options, request, path)
  if (options.authorize === undefined) return caller ?? LOCAL_CALLER
  const { method, headers, remoteAddress, needs, channelId } = request
  const verdict = await options.authorize({ method, path, headers, remoteAddress, needs, channelId, caller })
  if (typeof verdict === 'object') return verdict
  const subject = `${remoteAddress} ${needs}`
  const fields = { code: verdict, subject, method, path, needs, channel: channelId }
  options.logger.warn(fields, 'audit: a request was refused')
  if (verdict === 'unauthenticated')
    throw new HttpProblem(401, 'unauthenticated', 'This request needs an API key or a token.')
  throw new EdgeError('not-permitted', 'This identity is not permitted to do that.')
}

/** Returns undefined for a request without a ticket. Throws HttpProblem or EdgeError. */
function callerOfTicket(options: GateOptions, { url, method }: GatedRequest, path: string): Caller | undefined {
  const ticket = new URLSearchParams(url.split('?')[1] ?? '').get('ticket')
  if (ticket === null) return undefined
  const caller = options.ticket?.(ticket, path)
  if (caller === undefined)
    throw new HttpProblem(401, 'unauthenticated', 'This ticket was used, has expired, or is for another path.')
  if (method !== 'GET') throw new EdgeError('not-permitted', 'A ticket can only open a stream or a WebSocket.')
  return caller
}

export function gatedRequest(request: FastifyRequest, channelId: string | undefined): GatedRequest {
  const { method, url, headers, ip, routeOptions } = request
  return { method, url, headers, remoteAddress: ip, needs: routeOptions.config.access ?? 'read', channelId }
}

/** The channel that the path or the query of a request names. */
export function channelInUrl({ routeOptions, params, query }: FastifyRequest): string | undefined {
  const { channel } = routeOptions.config
  if (channel === 'path') return textIn(params, 'id')
  return channel === 'query' ? textIn(query, 'channel_id') : undefined
}

/** The channel that the body of a request names. */
export function channelInBody({ body }: FastifyRequest): string | undefined {
  return textIn(body, 'channel_id')
}

function textIn(values: unknown, name: string): string | undefined {
  if (typeof values !== 'object' || values === null) return undefined
  const value: unknown = Reflect.get(values, name)
  return typeof value === 'string' ? value : undefined
}

/** The path of a request, without its query. */
export function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '/'
}
