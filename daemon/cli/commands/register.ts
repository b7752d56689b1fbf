import { basename } from 'node:path'
import { readDocumentFile } from '../../asyncapi/documents/read-document-file.ts'
import type { CliContext } from '../cli-context.ts'
import { table } from '../table.ts'
import { withClient, type ClientOptions } from '../with-client.ts'

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

/** Registers a document with the running daemon, or shows the effect of doing so. */
export function register(file: string, options: RegisterCommandOptions, context: CliContext): Promise<number> {
  return withClient(options, context, async (client) => {
    const body = {
      content: readDocumentFile(file),
      mode: options.lenient === true ? 'lenient' : 'strict',
      ...(options.name === undefined ? {} : { name: options.name }),
      ...(options.spec === undefined ? {} : { version: options.spec }),
    }
    const path = options.dryRun === true ? '/asyncapis/register?dryRun=true' : '/asyncapis/register'
    const answer = await client.postAndWait<RegisterAnswer>(path, body)
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
