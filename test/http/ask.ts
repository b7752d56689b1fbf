import type { HttpServer, HttpServerOptions, Routes } from '../../daemon/http/server/server.ts'
import { createTestServer } from './fake-ports.ts'

export interface Asked {
  status: number
  body: Record<string, unknown>
  headers: Readonly<Record<string, unknown>>
}

export type Ask = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: unknown) => Promise<Asked>

/** Sends requests to routes without a socket. */
export function asking(routes: Routes, options: Partial<HttpServerOptions> = {}): Ask {
  const server: HttpServer = createTestServer({}, { routes: [routes], ...options })
  return async (method, url, body) => {
    const answer = await server.app.inject({
      method,
      url,
      headers: { host: 'localhost', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    })
    const text = answer.body
    return {
      status: answer.statusCode,
      body: text === '' ? {} : answer.json<Record<string, unknown>>(),
      headers: answer.headers,
    }
  }
}

/** A logger that records audit lines. */
export function auditLog(): { lines: Record<string, unknown>[]; options: Partial<HttpServerOptions> } {
  const lines: Record<string, unknown>[] = []
  const take = (fields: object): void => void lines.push({ ...fields })
  return { lines, options: { logger: { debug: () => undefined, info: take, warn: take, error: take } } }
}
