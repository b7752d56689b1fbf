import type { CliContext } from '../cli-context.ts'
import { findChannelId } from '../find-channel-id.ts'
import { withClient, type ClientOptions } from '../with-client.ts'

export interface TailOptions extends ClientOptions {
  kind?: string
  from?: string
}

/** Prints events of the live stream, one on each line, until it is interrupted. */
export function tail(channel: string | undefined, options: TailOptions, context: CliContext): Promise<number> {
  return withClient(options, context, async (client) => {
    const id = channel === undefined ? undefined : await findChannelId(client, channel)
    context.onSignal('SIGINT', () => context.exit(0))
    context.onSignal('SIGTERM', () => context.exit(0))
    const query = { channel_id: id, kind: options.kind, lastEventId: options.from }
    for await (const { event, data } of client.events('/messages/stream', query))
      context.stdout.write(options.json === true ? `${data}\n` : `${event}  ${toLine(data)}\n`)
  })
}

function toLine(data: string): string {
  const event = JSON.parse(data) as Record<string, unknown>
  const { topic, payload, code, at, receivedAt, name, state } = event
  const parts = [
    receivedAt ?? at,
    topic ?? name,
    code ?? state,
    payload === undefined ? undefined : JSON.stringify(payload),
  ]
  return parts.filter((part) => part !== undefined && part !== null).join('  ')
}
