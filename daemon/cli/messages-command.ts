import { text as readAll } from 'node:stream/consumers'
import { EdgeError } from '../core/errors.ts'
import type { ApiClient } from './api-client.ts'
import type { CliContext } from './cli-context.ts'
import { withClient, type ClientOptions } from './client-command.ts'

export interface PublishCommandOptions extends ClientOptions {
  param?: string[]
  header?: string[]
  message?: string
}

/** Publishes a JSON payload on a channel, by its id or its address. */
export function publish(
  channel: string,
  payload: string,
  options: PublishCommandOptions,
  context: CliContext,
): Promise<number> {
  return withClient(options, context, async (client) => {
    const body = {
      channel_id: await channelId(client, channel),
      payload: parse(payload === '-' ? await readAll(context.stdin) : payload),
      ...(options.param === undefined ? {} : { parameters: pairs('--param', options.param) }),
      ...(options.header === undefined ? {} : { headers: pairs('--header', options.header) }),
      ...(options.message === undefined ? {} : { message: options.message }),
    }
    const answer = await client.post<{ id: string; topic: string }>('/messages/publish', body)
    context.stdout.write(options.json === true ? `${JSON.stringify(answer)}\n` : `${answer.id}  ${answer.topic}\n`)
  })
}

export interface TailOptions extends ClientOptions {
  kind?: string
  from?: string
}

/** Prints what happens, one line an event, until it is interrupted. */
export function tail(channel: string | undefined, options: TailOptions, context: CliContext): Promise<number> {
  return withClient(options, context, async (client) => {
    const id = channel === undefined ? undefined : await channelId(client, channel)
    context.onSignal('SIGINT', () => context.exit(0))
    context.onSignal('SIGTERM', () => context.exit(0))
    const query = { channel_id: id, kind: options.kind, lastEventId: options.from }
    for await (const { event, data } of client.events('/messages/stream', query))
      context.stdout.write(options.json === true ? `${data}\n` : `${event}  ${readable(data)}\n`)
  })
}

/** A channel is named by its id, or by its address where only one document has it. */
async function channelId(client: ApiClient, channel: string): Promise<string> {
  if (/^[0-9a-f]{24}$/.test(channel)) return channel
  const all = await client.list<{ id: string; channel_name: string }>('/channels', 100_000)
  const found = all.filter((one) => one.channel_name === channel)
  const [only] = found
  if (only === undefined) throw new EdgeError('not-found', `No document in force has the channel ${channel}.`)
  if (found.length > 1)
    throw new EdgeError('request-invalid', `${found.length} documents have the channel ${channel}: name it by its id.`)
  return only.id
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new EdgeError('payload-not-json', 'The payload is not a JSON text.', { cause: error })
  }
}

function pairs(option: string, given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((pair) => {
      const at = pair.indexOf('=')
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)]
      throw new EdgeError('request-invalid', `${option} takes name=value.`, { place: { field: option } })
    }),
  )
}

function readable(data: string): string {
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
