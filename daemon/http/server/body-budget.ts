import type { FastifyReply, FastifyRequest } from 'fastify'
import { HttpProblem } from './problem.ts'

/** Smaller bodies are always accepted: connections are bounded, and a message is small. */
const SMALL_BYTES = 16 * 1024

/** Bounds the memory of all large bodies that are being received, however slowly they arrive. */
export class BodyBudget {
  /** Requests that were refused because the budget was spent. */
  refused = 0
  private readonly maxBytes: number
  private held = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** Reserves memory for a body until its request is over. Throws HttpProblem 503. */
  admit({ headers, routeOptions }: FastifyRequest, reply: FastifyReply): void {
    const { 'content-length': declared, 'transfer-encoding': encoding } = headers
    if (declared === undefined && encoding === undefined) return
    const limit = routeOptions.bodyLimit ?? this.maxBytes
    const bytes = Math.min(limit, encoding === undefined ? Number(declared) : limit)
    if (bytes <= SMALL_BYTES) return
    if (this.held + bytes > this.maxBytes) {
      this.refused++
      throw new HttpProblem(503, 'limit-reached', 'Too many large bodies are being received: try again soon.')
    }
    this.held += bytes
    reply.raw.once('close', () => {
      this.held -= bytes
    })
  }
}
