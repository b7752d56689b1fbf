import type { FastifyReply } from 'fastify'
import { EdgeError } from '../../core/errors.ts'

/** Aborted when the connection closes before the answer was sent, for work that may take long. */
export function untilClosed({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController()
  raw.once('close', () => {
    if (!raw.writableEnded) controller.abort(new EdgeError('cancelled', 'The connection was closed.'))
  })
  return controller.signal
}
