import { EdgeError, messageOf } from '../../core/errors.ts'
import type { OutgoingAdapter, OutgoingMessage, Outcome } from '../../protocols/adapter.ts'

/**
 * Publishes a batch and answers for every message. Adapters answer with outcomes and do not throw; if one throws all the same, the
 * batch is halved until the messages that it throws for are alone, so that they stand aside and the others go on.
 */
export async function publishBatch(
  adapter: OutgoingAdapter,
  messages: readonly OutgoingMessage[],
): Promise<readonly (Outcome | undefined)[]> {
  if (messages.length === 0) return []
  const thrown = new Map<number, EdgeError>()
  const outcomes = await publishPart(adapter, messages, 0, thrown)
  // Where it throws for every message the fault is not in one of them: then all are kept.
  const isAlone = thrown.size < messages.length
  for (const [index, error] of thrown) outcomes[index] = { status: isAlone ? 'rejected' : 'kept', error }
  return outcomes
}

async function publishPart(
  adapter: OutgoingAdapter,
  messages: readonly OutgoingMessage[],
  from: number,
  thrown: Map<number, EdgeError>,
): Promise<(Outcome | undefined)[]> {
  try {
    return [...(await adapter.publish(null, messages))]
  } catch (error) {
    if (error instanceof EdgeError) return messages.map(() => ({ status: 'kept', error }))
    if (messages.length === 1) {
      thrown.set(
        from,
        new EdgeError('internal', `the adapter failed on a message: ${messageOf(error)}`, { cause: error }),
      )
      return [undefined]
    }
    const half = messages.length >> 1
    const first = await publishPart(adapter, messages.slice(0, half), from, thrown)
    return [...first, ...(await publishPart(adapter, messages.slice(half), from + half, thrown))]
  }
}
