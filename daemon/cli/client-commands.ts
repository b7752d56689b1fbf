import type { Command } from 'commander'
import type { CliContext } from './cli-context.ts'
import type { PublishCommandOptions } from './commands/publish.ts'
import type { RefusedKind, RefusedListOptions } from './commands/refused.ts'
import type { RegisterCommandOptions } from './commands/register.ts'
import type { TailOptions } from './commands/tail.ts'
import type { ClientOptions } from './with-client.ts'

/** Adds the commands that use the API of a running daemon. Each loads its code when it is called. */
export function addClientCommands(program: Command, context: CliContext, ended: (code: number) => void): void {
  const clientCommand = (parent: Command, name: string, description: string): Command =>
    parent
      .command(name)
      .description(description)
      .option('--url <url>', 'URL of the API (default: STEPFLOW_URL, else http://127.0.0.1:8080)')
      .option('--api-key <key>', 'API key (default: STEPFLOW_API_KEY)')
      .option('--json', 'print JSON')

  clientCommand(program, 'register', 'register an AsyncAPI document')
    .argument('<file>')
    .option('--name <name>', 'name of the document (default: its title)')
    .option('--spec <version>', 'version of the document (default: its info.version)')
    .option('--lenient', 'accept a document with errors, if its channels and messages can be understood')
    .option('--dry-run', 'register nothing; show what would change, and which stored messages would be refused')
    .action(async (file: string, options: RegisterCommandOptions) =>
      ended(await (await import('./commands/register.ts')).register(file, options, context)),
    )
  clientCommand(program, 'documents', 'list the registered documents').action(async (options: ClientOptions) =>
    ended(await (await import('./commands/documents.ts')).documents(options, context)),
  )
  clientCommand(program, 'channels', 'list the channels in force')
    .option('--document <id>', 'only channels of this document')
    .action(async (options: ClientOptions & { document?: string }) =>
      ended(await (await import('./commands/channels.ts')).channels(options, context)),
    )
  clientCommand(program, 'publish', 'publish a message')
    .argument('<channel>', 'id or address of the channel')
    .argument('<json>', 'the payload, or - for standard input')
    .option('--param <name=value...>', 'parameters of the address')
    .option('--header <name=value...>', 'headers')
    .option('--message <name>', 'name of the message; the payload must match it')
    .action(async (channel: string, payload: string, options: PublishCommandOptions) =>
      ended(await (await import('./commands/publish.ts')).publish(channel, payload, options, context)),
    )
  clientCommand(program, 'tail', 'print messages as they arrive')
    .argument('[channel]', 'id or address of the channel')
    .option(
      '--kind <kinds>',
      'kinds of events, separated by commas: message, rejected, deadletter, connection',
      'message',
    )
    .option('--from <id>', 'start after the message with this id')
    .action(async (channel: string | undefined, options: TailOptions) =>
      ended(await (await import('./commands/tail.ts')).tail(channel, options, context)),
    )
  clientCommand(program, 'status', 'show connections and queues').action(async (options: ClientOptions) =>
    ended(await (await import('./commands/status.ts')).status(options, context)),
  )
  const queue = program.command('queue').description('messages that wait for destinations')
  clientCommand(queue, 'discard', 'give up every message of a destination that is no longer configured')
    .argument('<name>', 'name that the destination had')
    .action(async (name: string, options: ClientOptions) =>
      ended(await (await import('./commands/queue.ts')).discardQueue(name, options, context)),
    )
  clientCommand(program, 'stats', 'show statistics per channel and connection')
    .option('--window <duration>', 'time window, 1m to 7d', '1h')
    .action(async (options: ClientOptions & { window?: string }) =>
      ended(await (await import('./commands/stats.ts')).stats(options, context)),
    )
  addRefusedCommand('quarantine', 'inspect and replay messages that the gateway refused')
  addRefusedCommand('deadletters', 'inspect and replay messages that a destination refused permanently')

  function addRefusedCommand(kind: RefusedKind, description: string): void {
    const parent = program.command(kind).description(description)
    clientCommand(parent, 'list', 'list the messages, newest first')
      .option('--topic <topic>', 'only messages on this topic')
      .option('--client <id>', 'only messages of this client')
      .option('--limit <count>', 'maximum number of messages', '100')
      .action(async (options: RefusedListOptions) =>
        ended(await (await import('./commands/refused.ts')).list(kind, options, context)),
      )
    clientCommand(parent, 'show', 'show a message with its payload')
      .argument('<id>')
      .action(async (id: string, options: ClientOptions) =>
        ended(await (await import('./commands/refused.ts')).show(kind, id, options, context)),
      )
    clientCommand(parent, 'replay', 'publish the message again, or send it to its destination again')
      .argument('<id>')
      .action(async (id: string, options: ClientOptions) =>
        ended(await (await import('./commands/refused.ts')).replay(kind, id, options, context)),
      )
    clientCommand(parent, 'discard', 'delete the message')
      .argument('<id>')
      .action(async (id: string, options: ClientOptions) =>
        ended(await (await import('./commands/refused.ts')).discard(kind, id, options, context)),
      )
  }
}
