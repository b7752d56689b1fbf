import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type TcpProxy, startTcpProxy } from './tcp-proxy.ts'

describe('tcp proxy', () => {
  let server: Server
  let proxy: TcpProxy
  let seen: string
  let sockets: Socket[]

  beforeEach(async () => {
    seen = ''
    sockets = []
    server = createServer((socket) => {
      socket.on('error', () => socket.destroy())
      socket.on('data', (chunk) => {
        seen += chunk.toString()
        socket.write(chunk)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    proxy = await startTcpProxy(port)
  })
  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    await proxy.close()
    await new Promise((resolve) => server.close(resolve))
  })

  const client = async () => {
    const socket = connect({ host: '127.0.0.1', port: proxy.port })
    sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }
  /** What came back until the connection ended, or for a while. */
  const exchange = async (socket: Socket, text: string, ms = 300) => {
    let back = ''
    let ending = 'open'
    socket.on('data', (chunk) => (back += chunk.toString()))
    socket.on('error', (error: NodeJS.ErrnoException) => (ending = error.code ?? 'error'))
    socket.on('close', (hadError) => (ending = hadError ? ending : 'closed'))
    socket.write(text)
    await sleep(ms)
    return { back, ending }
  }

  test('passes both ways, and counts', async () => {
    expect(await exchange(await client(), 'hello')).toEqual({ back: 'hello', ending: 'open' })
    expect([proxy.accepted(), proxy.open()]).toEqual([1, 1])
  })

  test('refuse resets new connections', async () => {
    proxy.fault = 'refuse'
    const socket = connect({ host: '127.0.0.1', port: proxy.port })
    const [error] = await once(socket, 'error')
    expect(error).toMatchObject({ code: 'ECONNRESET' })
  })

  test('swallow takes bytes and passes none on', async () => {
    const socket = await client()
    proxy.fault = 'swallow'
    expect(await exchange(socket, 'hello')).toEqual({ back: '', ending: 'open' })
    expect(seen).toBe('')
  })

  test('cut-answers lets the bytes through and the answer not', async () => {
    const socket = await client()
    proxy.fault = 'cut-answers'
    const { back, ending } = await exchange(socket, 'hello')
    expect(back).toBe('')
    expect(ending).not.toBe('open')
    expect(seen).toBe('hello')
  })

  test('reset answers with a reset', async () => {
    const socket = await client()
    proxy.fault = 'reset'
    expect(await exchange(socket, 'hello')).toEqual({ back: '', ending: 'ECONNRESET' })
    expect(seen).toBe('')
  })

  test('a slow and late link keeps the bytes and their order', async () => {
    proxy.delayMs = 50
    proxy.bytesPerSecond = 20_000
    const socket = await client()
    const text = Array.from({ length: 1000 }, (_, n) => `${n};`).join('')
    const began = performance.now()
    let back = ''
    socket.on('data', (chunk) => (back += chunk.toString()))
    socket.write(text)
    await expect.poll(() => back.length, { timeout: 5000 }).toBe(text.length)
    expect(back).toBe(text)
    expect(performance.now() - began).toBeGreaterThan(250)
  })

  test('sever cuts what is open and leaves the door open', async () => {
    const socket = await client()
    socket.on('error', () => socket.destroy())
    const closed = new Promise((resolve) => socket.once('close', resolve))
    proxy.sever()
    await closed
    expect(await exchange(await client(), 'again')).toEqual({ back: 'again', ending: 'open' })
  })
})
