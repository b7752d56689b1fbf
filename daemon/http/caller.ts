import type { FastifyRequest } from 'fastify'
import type { Logger } from '../core/logger.ts'
import type { Caller } from './api-ports.ts'

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
  }
}

export function callerOf(request: FastifyRequest): Caller {
  return request.caller ?? LOCAL_CALLER
}

/** One line for each thing that an admin has done. */
export function audit(request: FastifyRequest, action: string, target: string): void {
  request.server.auditLogger.info({ caller: callerOf(request).name, request: request.id, action, target }, 'audit')
}
