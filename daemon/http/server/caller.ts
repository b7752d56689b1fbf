import type { FastifyRequest } from 'fastify'
import type { Logger } from '../../core/logger.ts'
import type { Caller } from '../../ports/identity.ts'

/** The caller when no identities are configured; trusted, because the server then listens on loopback only. */
export const LOCAL_CALLER: Caller = { name: 'local', admin: true }

declare module 'fastify' {
  interface FastifyRequest {
    /** null until the request is authorized. */
    caller: Caller | null
  }
  interface FastifyInstance {
    /** Receives one line for each action of an admin. */
    auditLogger: Logger
  }
  interface FastifyContextConfig {
    /** The permission that the route needs; `read` by default. */
    access?: 'read' | 'publish' | 'admin'
    /** The part of the request that names its channel: `id` of the path, or `channel_id` of query or body. */
    channel?: 'path' | 'query' | 'body'
  }
}

export function callerOf(request: FastifyRequest): Caller {
  return request.caller ?? LOCAL_CALLER
}

/** Logs an action of an admin. */
export function audit(request: FastifyRequest, action: string, target: string): void {
  const { ip, id, server } = request
  const fields = { caller: callerOf(request).name, address: ip, request: id, action, target }
  // The log suppresses repeats of one subject: only the same action on the same target is a repeat.
  server.auditLogger.info({ ...fields, subject: `${action} ${target}` }, 'audit')
}
