import { EdgeError } from '../core/errors.ts'
import type { OperationsSources } from './sources.ts'
import { storeBytes } from './store-bytes.ts'

export interface QueueView {
  destinations: {
    name: string
    queued: number
    queued_bytes: number
    held: number
    held_routes: readonly string[]
    oldest_ms: number | null
    delivered: number
    dead_lettered: number
    expired: number
    dropped: number
  }[]
  store: { used_bytes: number; max_bytes: number; full: string | null }
}

export interface QueuePort {
  view(): QueueView
  /** Gives up everything that waits for a destination that is no longer configured. Throws `destination-configured`, `not-found`. */
  discard(destination: string): Promise<{ discarded: number }>
}

export type QueueSources = Pick<OperationsSources, 'settings' | 'store'> & {
  forwarder: Pick<OperationsSources['forwarder'], 'destinations' | 'discard'>
}

export function queuePort(sources: QueueSources): QueuePort {
  const { settings, forwarder } = sources
  return {
    view: () => queueView(sources),
    async discard(destination) {
      if (Object.hasOwn(settings().upstreams, destination))
        throw new EdgeError('destination-configured', `${destination} is configured: its messages are not discarded.`)
      if (!forwarder.destinations.some(({ name }) => name === destination))
        throw new EdgeError('not-found', `No messages wait for a destination ${destination}.`)
      const discarded = await forwarder.discard(destination)
      if (discarded === undefined)
        throw new EdgeError('shutting-down', 'The forwarder does not answer: it is being restarted.', {
          hint: 'Try again in a moment.',
        })
      return { discarded }
    },
  }
}

/** The backlog of each destination, and how full the store is. */
function queueView({ forwarder, settings, store }: QueueSources): QueueView {
  const { directory, maxBytes } = settings().store
  return {
    destinations: forwarder.destinations.map((one) => ({
      name: one.name,
      queued: one.queued,
      queued_bytes: one.queuedBytes,
      held: one.held,
      held_routes: one.heldRoutes,
      oldest_ms: one.oldestMs,
      delivered: one.delivered,
      dead_lettered: one.deadLettered,
      expired: one.expired,
      dropped: one.dropped,
    })),
    store: { used_bytes: storeBytes(directory), max_bytes: maxBytes, full: store.full ?? null },
  }
}
