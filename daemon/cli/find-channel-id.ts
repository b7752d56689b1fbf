import { EdgeError } from '../core/errors.ts'
import type { ApiClient } from './api-client.ts'

/** Resolves a channel that the user named by its id, or by its address if only one document in force has it. */
export async function findChannelId(client: ApiClient, channel: string): Promise<string> {
  if (/^[0-9a-f]{24}$/.test(channel)) return channel
  const all = await client.list<{ id: string; channel_name: string }>('/channels', 100_000)
  const found = all.filter((one) => one.channel_name === channel)
  const [only] = found
  if (only === undefined) throw new EdgeError('not-found', `No document in force has the channel ${channel}.`)
  if (found.length > 1)
    throw new EdgeError(
      'request-invalid',
      `${found.length} documents have the channel ${channel}: give its id, as the command channels lists it.`,
    )
  return only.id
}
