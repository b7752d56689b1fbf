import type { WriterPort } from '../../daemon/forward/forwarder-messages.ts'
import type { ForwarderReader } from '../../daemon/forward/thread/forwarder.ts'
import type { FromWriter } from '../../daemon/store/log/writer-messages.ts'
import type { Settlement } from '../../daemon/store/tables/cursors.ts'
import type { Seams } from './simulated-gateway.ts'

/** Defects that the gateway has had or might have, each put in at a seam by a substituted part. */

/** What was handed to the writer counts as durable at once: held deliveries are read back before their release is committed. */
export function releasesReadBack(): Seams {
  return {
    writerPort: (port) => {
      let tell: Parameters<WriterPort['on']>[1] = () => undefined
      return {
        postMessage(message) {
          port.postMessage(message)
          queueMicrotask(() => tell({ type: 'settled', number: message.settlement.number }))
        },
        on(event, listener) {
          tell = listener
          return port.on(event, listener)
        },
        close: () => port.close(),
      }
    },
  }
}

/** A message has one held row at a destination, whatever its targets are. */
export function heldByMessage(): Seams {
  const held = new Set<string>()
  return settling((settlement) => {
    const { destination } = settlement.cursor
    for (const { seq } of settlement.released) held.delete(`${destination} ${seq}`)
    return { ...settlement, held: settlement.held.filter(({ seq }) => isNew(held, `${destination} ${seq}`)) }
  })
}

/** A message has one dead letter at a destination, whatever its targets are. */
export function deadByMessage(): Seams {
  const dead = new Set<string>()
  return settling((settlement) => {
    const { destination } = settlement.cursor
    return {
      ...settlement,
      deadLetters: settlement.deadLetters.filter(({ seq }) => isNew(dead, `${destination} ${seq}`)),
    }
  })
}

/** The cursor passes messages that are to be sent again, as if all that was sent had been taken. */
export function cursorBeforeAnswer(): Seams {
  return settling((settlement) => {
    const { cursor } = settlement
    const low = (cursor.ranges.at(-1)?.[1] ?? cursor.low - 1) + 1
    return { ...settlement, cursor: { ...cursor, low, ranges: [] } }
  })
}

/** A device is told that its message is stored when the writer has got it, before the commit. */
export function acknowledgedBeforeCommit(): Seams {
  return {
    startWriter: (start) => (data, events) => {
      const answered = new Set<FromWriter>()
      const onMessage = (message: FromWriter): void => {
        if (!answered.delete(message)) events.onMessage(message)
      }
      const writer = start(data, { ...events, onMessage })
      return {
        post(message) {
          writer.post(message)
          if (message.type !== 'batch') return
          answered.add(message.batch.number)
          queueMicrotask(() => events.onMessage(message.batch.number))
        },
        connectForwarder: () => writer.connectForwarder(),
        terminate: () => writer.terminate(),
      }
    },
  }
}

/** Held deliveries are sent newest first. */
export function heldNewestFirst(): Seams {
  return reading((reader) => ({ held: (...request) => reader.held(...request).toReversed() }))
}

/** A loop that begins anew does not know which routes are held. */
export function heldRoutesForgotten(): Seams {
  return reading(() => ({ heldRoutes: () => [] }))
}

/** A loop that begins anew holds once more what the one before it has put aside. */
export function heldTwice(): Seams {
  return reading(() => ({ lastHeld: () => 0 }))
}

function settling(change: (settlement: Settlement) => Settlement): Seams {
  return {
    writerPort: (port) => ({
      postMessage: (message) => port.postMessage({ ...message, settlement: change(message.settlement) }),
      on: (event, listener) => port.on(event, listener),
      close: () => port.close(),
    }),
  }
}

/** A reader of which some methods are replaced. */
function reading(replace: (reader: ForwarderReader) => Partial<ForwarderReader>): Seams {
  return {
    reader: (reader) => {
      const replaced = replace(reader)
      return new Proxy(reader, {
        get(target, name: keyof ForwarderReader) {
          const method = replaced[name] ?? target[name]
          return method.bind(target)
        },
      })
    },
  }
}

function isNew(known: Set<string>, key: string): boolean {
  if (known.has(key)) return false
  known.add(key)
  return true
}
