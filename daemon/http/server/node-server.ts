import type { RequestListener, Server } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { http, https } from '../../platform/node-http.ts'
import { rawAnswer, titleOf } from './problem.ts'

/** PEM texts. */
export interface TlsFiles {
  cert: string
  key: string
  ca?: string
}

/** Connections that were cut by a limit. */
export interface ConnectionCounts {
  /** Closed at once, because `maxConnections` were open. */
  refused: number
  /** Cut because headers or body took too long. */
  tooSlow: number
}

export interface NodeServers {
  readonly counts: ConnectionCounts
  create(handler: RequestListener): Server
  reload(tls: TlsFiles): void
}

export interface ConnectionLimits {
  maxConnections: number
  maxHeaderBytes: number
  headersTimeoutMs: number
  requestTimeoutMs: number
  keepAliveTimeoutMs: number
}

/** Slow senders are cut: a gateway has few file descriptors, and devices need them. */
const DEFAULT_LIMITS: ConnectionLimits = {
  maxConnections: 4_096,
  maxHeaderBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 15_000,
}

const CLIENT_ERRORS: Readonly<Record<string, readonly [status: number, code: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'headers-too-large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'request-timeout'],
}

export function createNodeServer(tls: TlsFiles | undefined, limits: Partial<ConnectionLimits> = {}): NodeServers {
  const { maxConnections, maxHeaderBytes, headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs } = {
    ...DEFAULT_LIMITS,
    ...limits,
  }
  const settings = {
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    // Node checks timeouts at this interval; its default of 30 s would double them.
    connectionsCheckingInterval: Math.min(2_000, headersTimeoutMs),
  }
  const secure: SecureServer[] = []
  let current = tls

  const createSecure = (files: TlsFiles, handler: RequestListener): SecureServer => {
    const server = https.createServer(
      { ...settings, ...files, minVersion: 'TLSv1.2', handshakeTimeout: headersTimeoutMs },
      handler,
    )
    secure.push(server)
    return server
  }
  const counts: ConnectionCounts = { refused: 0, tooSlow: 0 }
  return {
    counts,
    create: (handler) => {
      const server = current === undefined ? http.createServer(settings, handler) : createSecure(current, handler)
      server.maxConnections = maxConnections
      server.on('drop', () => void counts.refused++)
      server.on('clientError', (error: Error & { code?: string }, socket) => {
        if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') counts.tooSlow++
        answerClientError(error, socket)
      })
      return server
    },
    reload: (renewed) => {
      current = renewed
      for (const server of secure) server.setSecureContext(renewed)
    },
  }
}

/** Answers bytes that the HTTP parser refuses, and that never become a request, with a problem document, too. */
function answerClientError(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, code] = CLIENT_ERRORS[error.code ?? ''] ?? [400, 'request-malformed']
  socket.end(rawAnswer({ status, title: titleOf(status), code, detail: 'The request could not be read.' }))
}
