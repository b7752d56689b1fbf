import { createHmac } from 'node:crypto'
import { systemCode } from '../../core/errors.ts'
import { systemTimers, type Timer, type Timers } from '../../core/timers.ts'
import { http, https } from '../../platform/node-http.ts'
import type { CallbackResult } from '../../ports/callback.ts'
import { namesAnAddress, publicLookup } from './callback-target.ts'

const DEADLINE_MS = 10_000
const MAX_SOCKETS = 8

/** Posts messages to callback URLs, signed as Standard Webhooks specifies. Redirects are failures, because their target was not allowed. */
export class CallbackSender {
  private readonly deadlineMs: number
  private readonly timers: Timers
  private readonly agents = {
    'http:': new http.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
    'https:': new https.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
  }

  constructor(deadlineMs = DEADLINE_MS, timers = systemTimers) {
    this.deadlineMs = deadlineMs
    this.timers = timers
  }

  post(url: URL, id: string, body: string, secret: string, wallMs: number): Promise<CallbackResult> {
    const timestamp = String(Math.floor(wallMs / 1_000))
    const secure = url.protocol === 'https:'
    const client = secure ? https : http
    return new Promise((resolve) => {
      let deadline: Timer | undefined
      const end = (result: CallbackResult): void => {
        deadline?.cancel()
        resolve(result)
      }
      const fail = (reason: string, gone = false): void => end({ delivered: false, gone, reason })
      const request = client.request(
        url,
        {
          method: 'POST',
          agent: this.agents[secure ? 'https:' : 'http:'],
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            'user-agent': 'stepflow-edge',
            'webhook-id': id,
            'webhook-timestamp': timestamp,
            'webhook-signature': sign(secret, `${id}.${timestamp}.${body}`),
          },
          ...(namesAnAddress(url) ? {} : { lookup: publicLookup }),
        },
        (response) => {
          const { statusCode = 0 } = response
          response.on('error', (error) => fail(systemCode(error) ?? error.message))
          // The body is discarded; one without an end runs into the deadline.
          response.resume()
          response.on('end', () => {
            if (statusCode >= 200 && statusCode < 300) end({ delivered: true })
            else fail(`answered ${statusCode}`, statusCode === 410)
          })
        },
      )
      request.on('error', (error) => fail(systemCode(error) ?? error.message))
      // The receiver is not charged for the time in which the request waits behind other requests to the same host.
      request.once('socket', () => {
        deadline = this.timers.after(this.deadlineMs, () => {
          fail(`no answer within ${this.deadlineMs / 1_000} s`)
          request.destroy()
        })
      })
      request.end(body)
    })
  }

  close(): void {
    for (const agent of Object.values(this.agents)) agent.destroy()
  }
}

/** `v1,<base64>`; the secret is base64 behind `whsec_`. */
export function sign(secret: string, content: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`
}
