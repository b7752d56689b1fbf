import { type AddressInfo, type Socket, connect, createServer } from 'node:net'

export type Fault =
  /** Passes everything on. */
  | 'none'
  /** New connections are reset. */
  | 'refuse'
  /** Takes bytes from both sides and passes none on: a mute server. */
  | 'swallow'
  /** Passes requests on; the first byte of an answer cuts the connection instead. */
  | 'cut-answers'
  /** Resets as soon as the client sends anything. */
  | 'reset'

export interface TcpProxy {
  readonly port: number
  readonly address: string
  /** Takes effect at once, for open connections too. */
  fault: Fault
  /** Applies to each direction of each connection; undefined is unlimited. */
  bytesPerSecond: number | undefined
  delayMs: number
  /** Connections made through it so far, and open now. */
  accepted(): number
  open(): number
  /** Cuts every open connection. */
  sever(): void
  close(): Promise<void>
}

/** A TCP proxy before `target` whose link can be made as bad as wanted, while it runs. */
export async function startTcpProxy(target: number, port = 0): Promise<TcpProxy> {
  const pairs = new Set<[Socket, Socket]>()
  let accepted = 0

  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (proxy.fault === 'refuse') {
      client.on('error', ignore)
      client.resetAndDestroy()
      return
    }
    accepted += 1
    const upstream = connect({ host: '127.0.0.1', port: target, noDelay: true, allowHalfOpen: true })
    client.setNoDelay(true)
    const pair: [Socket, Socket] = [client, upstream]
    pairs.add(pair)
    const cut = () => {
      pairs.delete(pair)
      client.destroy()
      upstream.destroy()
    }
    forward(client, upstream, () => {
      if (proxy.fault !== 'reset') return proxy.fault !== 'swallow'
      client.resetAndDestroy()
      return false
    })
    forward(upstream, client, () => {
      if (proxy.fault !== 'cut-answers') return proxy.fault !== 'swallow'
      cut()
      return false
    })
    for (const socket of pair) {
      socket.on('error', ignore)
      socket.on('close', cut)
    }
  })

  const proxy: TcpProxy = {
    port: 0,
    address: '',
    fault: 'none',
    bytesPerSecond: undefined,
    delayMs: 0,
    accepted: () => accepted,
    open: () => pairs.size,
    sever: () => {
      for (const [client] of pairs) client.resetAndDestroy()
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const [client] of pairs) client.destroy()
      }),
  }

  function forward(from: Socket, to: Socket, passes: () => boolean): void {
    const wire = new Wire(from, to, proxy)
    from.on('data', (chunk) => {
      if (passes()) wire.carry(chunk)
    })
    from.on('end', () => wire.end())
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const { port: bound } = server.address() as AddressInfo
  return Object.assign(proxy, { port: bound, address: `127.0.0.1:${bound}` })
}

/** One direction of a connection: what comes in goes out in the same order, as late and as slowly as the proxy says. */
class Wire {
  private readonly from: Socket
  private readonly to: Socket
  private readonly speed: Pick<TcpProxy, 'bytesPerSecond' | 'delayMs'>
  private readonly waiting: { chunk: Buffer; at: number }[] = []
  private freeAt = 0
  private hasEnded = false
  private timer: NodeJS.Timeout | undefined

  constructor(from: Socket, to: Socket, speed: Pick<TcpProxy, 'bytesPerSecond' | 'delayMs'>) {
    this.from = from
    this.to = to
    this.speed = speed
    to.on('drain', () => from.resume())
  }

  carry(chunk: Buffer): void {
    const now = performance.now()
    const { bytesPerSecond, delayMs } = this.speed
    this.freeAt =
      Math.max(now, this.freeAt) + (bytesPerSecond === undefined ? 0 : (chunk.length / bytesPerSecond) * 1000)
    this.waiting.push({ chunk, at: this.freeAt + delayMs })
    if (bytesPerSecond !== undefined) {
      // No more is read than is on the wire, so that the sender feels the slow link.
      this.from.pause()
      setTimeout(() => this.from.resume(), this.freeAt - now)
    }
    this.deliver()
  }

  end(): void {
    this.hasEnded = true
    this.deliver()
  }

  private deliver(): void {
    clearTimeout(this.timer)
    if (this.to.destroyed) return
    for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
      const wait = next.at - performance.now()
      if (wait > 0) {
        this.timer = setTimeout(() => this.deliver(), Math.ceil(wait))
        return
      }
      this.waiting.shift()
      if (!this.to.write(next.chunk)) this.from.pause()
    }
    if (this.hasEnded) this.to.end()
  }
}

/** A broken link is what the proxy is for; both ends see it themselves. */
function ignore(): void {
  return undefined
}
