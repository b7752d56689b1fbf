import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import https from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { EdgeError } from '../../../daemon/core/errors.ts'
import { silentLogger } from '../../../daemon/core/logger.ts'
import type { HttpServer, HttpServerOptions, Routes } from '../../../daemon/http/server/server.ts'
import { createTestServer } from '../fake-ports.ts'

const LOCAL = { host: 'localhost' }
const open: HttpServer[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close(0)))
})

function start(...args: Parameters<typeof createTestServer>): HttpServer {
  const server = createTestServer(...args)
  open.push(server)
  return server
}

const echo: Routes = (app) => {
  app.post('/echo', (request) => ({ got: request.body }))
  app.get('/fail', () => {
    throw new Error('the password is 1234')
  })
  app.get('/full', () => {
    throw new EdgeError('store-full', 'no room')
  })
  app.get('/slow', () => new Promise((resolve) => setTimeout(() => resolve({ done: true }), 300)))
  app.get('/never', () => new Promise(() => {}))
}

/** Sends raw bytes and returns the answer of the server. */
function sendRaw(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk))
  socket.write(bytes)
  return new Promise((resolve) => {
    socket.on('error', () => socket.destroy())
    socket.on('close', () => resolve(answer))
  })
}

describe('every request', () => {
  test.each([
    ['that cannot be decoded', '/channels/%zz', 400, 'path-invalid'],
    ['with a part that is too long', `/long/${'x'.repeat(200)}`, 414, 'path-too-long'],
  ])('to a path %s is a problem, with the checks of every other', async (_what, url, status, code) => {
    const { app } = start({}, { routes: [(routes) => routes.get('/long/:id', () => ({}))] })
    const answer = await app.inject({ url, headers: LOCAL })
    expect(answer.statusCode).toBe(status)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.headers['x-content-type-options']).toBe('nosniff')
    expect(answer.headers['x-request-id']).toBeTruthy()
    expect(answer.json()).toMatchObject({ status, code })
    const foreign = await app.inject({ url, headers: { host: 'evil.example.com' } })
    expect(foreign.json()).toMatchObject({ status: 421, code: 'host-unknown' })
  })

  test('to a foreign host is answered with 421, from a foreign origin with 403, each as problem+json', async () => {
    const { app } = start()
    const foreign = await app.inject({ url: '/healthz', headers: { host: 'evil.example.com' } })
    expect(foreign.statusCode).toBe(421)
    expect(foreign.headers['content-type']).toContain('application/problem+json')
    expect(foreign.json()).toMatchObject({ status: 421, code: 'host-unknown', title: 'Misdirected Request' })
    const origin = await app.inject({ url: '/', headers: { ...LOCAL, origin: 'https://evil.example.com' } })
    expect(origin.statusCode).toBe(403)
    expect(origin.json()).toMatchObject({ code: 'origin-foreign' })
    expect((await app.inject({ url: '/healthz', headers: { host: 'gateway.local:8080' } })).statusCode).toBe(200)
  })

  test('is answered with security headers for browsers, errors included', async () => {
    const { app } = start()
    for (const url of ['/healthz', '/nothing']) {
      const { headers } = await app.inject({ url, headers: LOCAL })
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'cache-control': 'no-store',
      })
      expect(headers['content-security-policy']).toContain("default-src 'none'")
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  test('for an unknown path is answered with 404 and a code', async () => {
    const answer = await start().app.inject({ url: '/nothing?x=1', headers: LOCAL })
    expect(answer.statusCode).toBe(404)
    expect(answer.json()).toMatchObject({ status: 404, code: 'not-found' })
  })
})

describe('bodies', () => {
  test.each([
    ['text/plain', '{}', 415, 'media-type-unsupported'],
    ['application/x-www-form-urlencoded', 'a=1', 415, 'media-type-unsupported'],
    ['application/json', '{"a":', 400, 'body-not-json'],
    ['application/json', '', 400, 'body-empty'],
    ['application/json', '{"__proto__": {"x": 1}}', 400, 'body-not-json'],
    ['application/json', JSON.stringify({ a: 'x'.repeat(2_000) }), 413, 'body-too-large'],
  ])('of %s: %#', async (type, payload, status, code) => {
    const { app } = start({}, { routes: [echo], maxBodyBytes: 1_000 })
    const answer = await app.inject({
      method: 'POST',
      url: '/echo',
      headers: { ...LOCAL, 'content-type': type },
      payload,
    })
    expect(answer.statusCode).toBe(status)
    expect(answer.json()).toMatchObject({ status, code })
    expect(answer.headers['content-type']).toContain('application/problem+json')
  })
})

describe('errors', () => {
  test('that are unexpected are logged, and reveal nothing', async () => {
    const logged: string[] = []
    const logger = { ...silentLogger, error: (_fields: object, message: string) => void logged.push(message) }
    const answer = await start({}, { routes: [echo], logger }).app.inject({ url: '/fail', headers: LOCAL })
    expect(answer.statusCode).toBe(500)
    expect(answer.json()).toMatchObject({ code: 'internal' })
    expect(answer.body).not.toContain('1234')
    expect(logged).toEqual(['a request failed'])
  })

  test('that are temporary have a Retry-After', async () => {
    const answer = await start({}, { routes: [echo] }).app.inject({ url: '/full', headers: LOCAL })
    expect(answer.statusCode).toBe(503)
    expect(answer.headers['retry-after']).toBe('5')
    expect(answer.json()).toMatchObject({ code: 'store-full' })
  })
})

describe('access', () => {
  test('every request is authorized, by its path without the query; health always answers', async () => {
    const asked: string[] = []
    const { app } = start({
      authorize: ({ method, path }) => {
        asked.push(`${method} ${path}`)
        return Promise.resolve(
          path === '/metrics' ? { name: 'ops', admin: false } : path === '/' ? 'forbidden' : 'unauthenticated',
        )
      },
    })
    const status = async (url: string) => (await app.inject({ url, headers: LOCAL })).statusCode
    expect(await status('/healthz')).toBe(200)
    expect(await status('/readyz?verbose')).toBe(200)
    expect(await status('/metrics')).toBe(200)
    expect(await status('/')).toBe(403)
    expect(await status('/live.json?x=1')).toBe(401)
    expect(await status('/nothing')).toBe(401)
    expect(asked).toEqual(['GET /healthz', 'GET /readyz', 'GET /metrics', 'GET /', 'GET /live.json', 'GET /nothing'])
  })

  test('a caller with a ticket is identified by it, and still authorized', async () => {
    const asked: unknown[] = []
    const ops = { name: 'ops', admin: false }
    const routes: Routes = (app) => void app.get('/of', { config: { channel: 'query' } }, () => ({}))
    const authorize: HttpServerOptions['authorize'] = ({ caller, channelId }) => {
      asked.push([caller, channelId])
      return Promise.resolve(channelId === 'secret' ? 'forbidden' : (caller ?? 'unauthenticated'))
    }
    const ticket = (given: string): typeof ops | undefined => (given === 'good' ? ops : undefined)
    const { app } = start({ authorize }, { routes: [routes], ticket })
    const status = async (url: string) => (await app.inject({ url, headers: LOCAL })).statusCode
    expect(await status('/of?channel_id=a&ticket=good')).toBe(200)
    expect(await status('/of?channel_id=secret&ticket=good')).toBe(403)
    expect(await status('/of?channel_id=a&ticket=bad')).toBe(401)
    expect(await status('/of?channel_id=a')).toBe(401)
    expect(asked).toEqual([
      [ops, 'a'],
      [ops, 'secret'],
      [undefined, 'a'],
    ])
  })

  test('a request about a channel is authorized for that channel, even if only the body names it', async () => {
    const asked: (string | undefined)[] = []
    const routes: Routes = (app) => {
      app.get('/one/:id', { config: { channel: 'path' } }, () => ({}))
      app.get('/of', { config: { channel: 'query' } }, () => ({}))
      app.post('/in', { config: { channel: 'body' } }, () => ({}))
    }
    const authorize: HttpServerOptions['authorize'] = ({ channelId }) => {
      asked.push(channelId)
      return Promise.resolve(channelId === 'secret' ? 'forbidden' : { name: 'ops', admin: false })
    }
    const { app } = start({ authorize }, { routes: [routes] })
    await app.inject({ url: '/one/a', headers: LOCAL })
    await app.inject({ url: '/of?channel_id=b', headers: LOCAL })
    const answer = await app.inject({ method: 'POST', url: '/in', headers: LOCAL, payload: { channel_id: 'secret' } })
    expect(answer.statusCode).toBe(403)
    expect(asked).toEqual(['a', 'b', undefined, 'secret'])
  })
})

describe('connections', () => {
  test('an address in use is an error with a code', async () => {
    const url = await start().listen()
    const second = start({}, { port: Number(new URL(url).port) })
    await expect(second.listen()).rejects.toMatchObject({ code: 'listen-failed' })
  })

  test('headers that are too large or malformed are answered with a problem document', async () => {
    const url = await start().listen()
    const large = await sendRaw(url, `GET / HTTP/1.1\r\nHost: localhost\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`)
    expect(large).toMatch(/^HTTP\/1\.1 431 /)
    expect(large).toContain('"code":"headers-too-large"')
    const malformed = await sendRaw(url, 'NONSENSE\r\n\r\n')
    expect(malformed).toMatch(/^HTTP\/1\.1 400 /)
    expect(malformed).toContain('application/problem+json')
  })

  test('a connection that sends its headers too slowly is cut', async () => {
    const url = await start({}, { limits: { headersTimeoutMs: 200 } }).listen()
    const started = performance.now()
    expect(await sendRaw(url, 'GET / HTTP/1.1\r\nHost: local')).toContain('408')
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  test('no more connections than the limit are accepted', async () => {
    const url = await start({}, { limits: { maxConnections: 2 } }).listen()
    const port = Number(new URL(url).port)
    const sockets = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    expect(await sendRaw(url, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')).toBe('')
    for (const socket of sockets) socket.destroy()
  })

  test('closing lets a request end, and accepts no other', async () => {
    const server = start({}, { routes: [echo] })
    const url = await server.listen()
    const slow = fetch(`${url}/slow`)
    await new Promise((resolve) => setTimeout(resolve, 100))
    await server.close(5_000)
    expect(await (await slow).json()).toEqual({ done: true })
    await expect(fetch(`${url}/slow`)).rejects.toThrow()
  })

  test('closing cuts, at its deadline, requests that do not end', async () => {
    const server = start({}, { routes: [echo] })
    const url = await server.listen()
    const never = fetch(`${url}/never`).then(
      () => 'answered',
      () => 'cut',
    )
    await new Promise((resolve) => setTimeout(resolve, 100))
    const started = performance.now()
    await server.close(200)
    expect(performance.now() - started).toBeLessThan(3_000)
    expect(await never).toBe('cut')
  })
})

describe('TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'http-tls-'))
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function makeCertificate(name: string): { cert: string; key: string } {
    const key = join(folder, `${name}.key`)
    const cert = join(folder, `${name}.pem`)
    const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    execFileSync('openssl', [...args, '-keyout', key, '-out', cert, '-subj', `/CN=${name}`], { stdio: 'ignore' })
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  }

  function peerName(port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const request = https.get({ port, path: '/healthz', rejectUnauthorized: false, agent: false }, (response) => {
        const { socket } = response
        response.resume()
        const certificate = socket instanceof TLSSocket ? socket.getPeerCertificate() : undefined
        resolve(`${response.statusCode} ${String(certificate?.subject.CN)}`)
      })
      request.on('error', reject)
    })
  }

  test('a certificate is renewed without a restart', async () => {
    const server = start({}, { tls: makeCertificate('before') })
    const url = await server.listen()
    expect(url).toMatch(/^https:/)
    const port = Number(new URL(url).port)
    expect(await peerName(port)).toBe('200 before')
    server.reloadTls(makeCertificate('after'))
    expect(await peerName(port)).toBe('200 after')
  })
})
