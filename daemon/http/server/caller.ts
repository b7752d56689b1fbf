import type { FastifyRequest } from 'fastify'
import type { Logger } from '../../core/logger.ts'
import type { Caller } from '../../ports/identity.ts'

/** Trusted because nothing listens beyond loopback. */
export const LOCAL_CALLER: Caller = { name: 'local', admin: true }

declare module 'fastify' {
  interface FastifyRequest {
    /** Set once the request is authorized. */
    caller: Caller | null
  }
  interface FastifyInstance {
    /** Gets a line for each thing that an admin has done. */
    auditLogger: Logger
  }
  interface FastifyContextConfig {
    /** What the caller has to be allowed; `read` where it is not said. */
    access?: 'read' | 'publish' | 'admin'
    /** Where the request names the channel that it is about: `id` of the path, `channel_id` of query or body. */
    channel?: 'path' | 'query' | 'body'
  }
}

export function callerOf(request: FastifyRequest): Caller {
  return request.caller ?? LOCAL_CALLER
}

/** One line for each thing that an admin has done. */
export function audit(request: FastifyRequest, action: string, target: string): void {
  const { ip, id, server } = request
  const fields = { caller: callerOf(request).name, address: ip, request: id, action, target }
  // Repeats are left out by subject: only the same thing, done to the same, counts as one.
  server.auditLogger.info({ ...fields, subject: `${action} ${target}` }, 'audit')
}
