/** Posts one body over keep-alive connections, one request at a time on each, and prints one line of JSON at the end. */
import { connect } from 'node:net'
import { parseArgs } from 'node:util'

export interface HttpLoadResult {
  requests: number
  seconds: number
  /** Requests a second. */
  rate: number
}

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    path: { type: 'string', default: '/' },
    body: { type: 'string', default: '{}' },
    total: { type: 'string', default: '1' },
    connections: { type: 'string', default: '20' },
  },
})
const { port, path, body } = values
const request = Buffer.from(
  `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
)
const total = Number(values.total)
let sent = 0
let answered = 0

/** Answers are short: each comes in one piece, and one request is out at a time. */
function run(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true })
    const next = (): void => {
      if (sent >= total) {
        socket.destroy()
        return resolve()
      }
      sent++
      socket.write(request)
    }
    let rest = ''
    socket.setEncoding('latin1')
    socket.on('connect', next)
    socket.on('error', reject)
    socket.on('data', (chunk: string) => {
      rest += chunk
      const head = rest.indexOf('\r\n\r\n')
      if (head === -1) return
      const length = Number(/content-length: (\d+)/i.exec(rest)?.[1] ?? 0)
      if (rest.length < head + 4 + length) return
      if (!/^HTTP\/1\.1 20[02]/.test(rest)) return reject(new Error(rest.slice(0, 500)))
      rest = ''
      answered++
      next()
    })
  })
}

const startedAt = performance.now()
await Promise.all(Array.from({ length: Number(values.connections) }, run))
const seconds = (performance.now() - startedAt) / 1_000
process.stdout.write(
  `${JSON.stringify({ requests: answered, seconds, rate: answered / seconds } satisfies HttpLoadResult)}\n`,
)
