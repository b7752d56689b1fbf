import { basename } from 'node:path'
import { readDocumentFile } from '../asyncapi/documents/read-document-file.ts'
import type { CliContext } from './cli-context.ts'
import { withClient, type ClientOptions } from './client-command.ts'
import { table } from './table.ts'

interface RegisterAnswer {
  id: string
  name: string
  version: string
  channels: { id: string; channel_name: string }[]
  diagnostics: { severity: string; message: string; line?: number; column?: number }[]
  changes: { channel: string; message: string; kind: string; pointer: string; breaks: string; detail: string }[]
}

export interface RegisterCommandOptions extends ClientOptions {
  name?: string
  spec?: string
  lenient?: boolean
  dryRun?: boolean
}

/** Registers a document with the running daemon. */
export function register(file: string, options: RegisterCommandOptions, context: CliContext): Promise<number> {
  return withClient(options, context, async (client) => {
    const body = {
      content: readDocumentFile(file),
      mode: options.lenient === true ? 'lenient' : 'strict',
      ...(options.name === undefined ? {} : { name: options.name }),
      ...(options.spec === undefined ? {} : { version: options.spec }),
    }
    const path = options.dryRun === true ? '/asyncapis/register?dryRun=true' : '/asyncapis/register'
    const answer = await client.post<RegisterAnswer>(path, body)
    if (options.json === true || options.dryRun === true) {
      context.stdout.write(`${JSON.stringify(answer, null, options.json === true ? 0 : 2)}\n`)
      return
    }
    for (const { severity, message, line, column } of answer.diagnostics)
      context.stderr.write(
        `${[basename(file), line, column].filter((part) => part !== undefined).join(':')} ${severity}: ${message}\n`,
      )
    for (const { channel, message, kind, pointer, breaks, detail } of answer.changes)
      context.stderr.write(`changed: ${channel} ${message}${pointer} ${kind}: ${detail} (breaks ${breaks})\n`)
    context.stdout.write(`${answer.id}  ${answer.name}@${answer.version}\n`)
    context.stdout.write(
      table(
        ['CHANNEL', 'ADDRESS'],
        answer.channels.map((one) => [one.id, one.channel_name]),
      ),
    )
  })
}

export function documents(options: ClientOptions, context: CliContext): Promise<number> {
  return withClient(options, context, async (client) => {
    const items = await client.list<{
      id: string
      name: string
      version: string
      status: string
      source: string
      channel_count: number
    }>('/asyncapis', 10_000)
    if (options.json === true) return void context.stdout.write(`${JSON.stringify(items)}\n`)
    const rows = items.map((one) => [one.id, one.name, one.version, one.status, one.source, one.channel_count])
    context.stdout.write(table(['ID', 'NAME', 'VERSION', 'STATUS', 'SOURCE', 'CHANNELS'], rows))
  })
}

export function channels(options: ClientOptions & { document?: string }, context: CliContext): Promise<number> {
  return withClient(options, context, async (client) => {
    const query = { asyncapi_document_id: options.document }
    const items = await client.list<{
      id: string
      channel_name: string
      protocol: string
      messages: { message_name: string }[]
    }>('/channels', 100_000, query)
    if (options.json === true) return void context.stdout.write(`${JSON.stringify(items)}\n`)
    const rows = items.map((one) => [
      one.id,
      one.channel_name,
      one.protocol,
      one.messages.map((message) => message.message_name).join(', '),
    ])
    context.stdout.write(table(['ID', 'ADDRESS', 'PROTOCOL', 'MESSAGES'], rows))
  })
}
