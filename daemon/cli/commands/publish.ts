import { text as readAll } from 'node:stream/consumers'
import { EdgeError } from '../../core/errors.ts'
import type { CliContext } from '../cli-context.ts'
import { findChannelId } from '../find-channel-id.ts'
import { withClient, type ClientOptions } from '../with-client.ts'

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
      channel_id: await findChannelId(client, channel),
      payload: parsePayload(payload === '-' ? await readAll(context.stdin) : payload),
      ...(options.param === undefined ? {} : { parameters: parsePairs('--param', options.param) }),
      ...(options.header === undefined ? {} : { headers: parsePairs('--header', options.header) }),
      ...(options.message === undefined ? {} : { message: options.message }),
    }
    const answer = await client.post<{ id: string; topic: string }>('/messages/publish', body)
    context.stdout.write(options.json === true ? `${JSON.stringify(answer)}\n` : `${answer.id}  ${answer.topic}\n`)
  })
}

function parsePayload(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new EdgeError('payload-not-json', 'The payload is not a JSON text.', { cause: error })
  }
}

function parsePairs(option: string, given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((pair) => {
      const at = pair.indexOf('=')
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)]
      throw new EdgeError('request-invalid', `${option} must have the form name=value.`, { place: { field: option } })
    }),
  )
}
