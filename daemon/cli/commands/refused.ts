import type { CliContext } from '../cli-context.ts'
import { table } from '../table.ts'
import { withClient, type ClientOptions } from '../with-client.ts'

/** The two lists of refused messages; their names are those of the commands and of the API's paths. */
export type RefusedKind = 'quarantine' | 'deadletters'

interface Refused {
  id: string
  topic: string
  client_id: string
  code: string
  at: string
  destination?: string
  answer?: string
  errors?: { pointer: string; expected: string; actual: string }[]
}

export interface RefusedListOptions extends ClientOptions {
  topic?: string
  client?: string
  limit?: string
}

export function list(kind: RefusedKind, options: RefusedListOptions, context: CliContext): Promise<number> {
  return withClient(options, context, async (client) => {
    const query = { topic: options.topic, client_id: options.client }
    const items = await client.list<Refused>(`/${kind}`, Number(options.limit ?? 100), query)
    if (options.json === true) return void context.stdout.write(`${JSON.stringify(items)}\n`)
    const rows = items.map((one) => [one.id, one.at, one.topic, one.client_id, one.code, reasonOf(one)])
    context.stdout.write(table(['ID', 'AT', 'TOPIC', 'CLIENT', 'CODE', 'WHY'], rows))
  })
}

export function show(kind: RefusedKind, id: string, options: ClientOptions, context: CliContext): Promise<number> {
  return withClient(options, context, async (client) => {
    const one = await client.get<Refused>(`/${kind}/${encodeURIComponent(id)}`)
    context.stdout.write(`${JSON.stringify(one, null, options.json === true ? 0 : 2)}\n`)
  })
}

/** Publishes a quarantined message again, or sends a dead letter to its destination again. */
export function replay(kind: RefusedKind, id: string, options: ClientOptions, context: CliContext): Promise<number> {
  return withClient(options, context, async (client) => {
    const answer = await client.post<{ id: string }>(`/${kind}/${encodeURIComponent(id)}/replay`, {})
    context.stdout.write(options.json === true ? `${JSON.stringify(answer)}\n` : `${answer.id}\n`)
  })
}

export function discard(kind: RefusedKind, id: string, options: ClientOptions, context: CliContext): Promise<number> {
  return withClient(options, context, (client) => client.delete(`/${kind}/${encodeURIComponent(id)}`))
}

function reasonOf({ errors, answer, destination }: Refused): string {
  const [first] = errors ?? []
  if (first !== undefined) return `${first.pointer} expected ${first.expected}, not ${first.actual}`
  return [destination, answer].filter((part) => part !== undefined).join(': ')
}
