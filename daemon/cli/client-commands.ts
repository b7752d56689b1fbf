import type { Command } from 'commander'
import type { CliContext } from './cli-context.ts'
import type { ClientOptions } from './client-command.ts'
import type { RegisterCommandOptions } from './documents-command.ts'
import type { PublishCommandOptions, TailOptions } from './messages-command.ts'
import type { RefusedKind, RefusedListOptions } from './refused-command.ts'

/** Adds the commands that ask a running daemon; each loads its own code when it is called. */
export function addClientCommands(program: Command, context: CliContext, ended: (code: number) => void): void {
  const asking = (parent: Command, name: string, description: string): Command =>
    parent
      .command(name)
      .description(description)
      .option('--url <url>', 'address of the API (default: STEPFLOW_URL, else http://127.0.0.1:8080)')
      .option('--api-key <key>', 'API key (default: STEPFLOW_API_KEY)')
      .option('--json', 'print JSON')

  asking(program, 'register', 'register an AsyncAPI document')
    .argument('<file>')
    .option('--name <name>', "the name to register under (default: the document's title)")
    .option('--spec <version>', "the version to register (default: the document's own)")
    .option('--lenient', 'take what leaves channels and messages understandable')
    .option('--dry-run', 'tell what would change and which stored messages it would refuse')
    .action(async (file: string, options: RegisterCommandOptions) =>
      ended(await (await import('./documents-command.ts')).register(file, options, context)),
    )
  asking(program, 'documents', 'the registered documents').action(async (options: ClientOptions) =>
    ended(await (await import('./documents-command.ts')).documents(options, context)),
  )
  asking(program, 'channels', 'the channels in force')
    .option('--document <id>', 'only those of this document')
    .action(async (options: ClientOptions & { document?: string }) =>
      ended(await (await import('./documents-command.ts')).channels(options, context)),
    )
  asking(program, 'publish', 'publish a message')
    .argument('<channel>', 'id or address of the channel')
    .argument('<json>', 'the payload, or - for standard input')
    .option('--param <name=value...>', 'parameters of the address')
    .option('--header <name=value...>', 'headers')
    .option('--message <name>', 'the message that it is meant to be')
    .action(async (channel: string, payload: string, options: PublishCommandOptions) =>
      ended(await (await import('./messages-command.ts')).publish(channel, payload, options, context)),
    )
  asking(program, 'tail', 'messages as they arrive')
    .argument('[channel]', 'id or address of the channel')
    .option('--kind <kinds>', 'message, rejected, deadletter, connection', 'message')
    .option('--from <id>', 'begin behind this message')
    .action(async (channel: string | undefined, options: TailOptions) =>
      ended(await (await import('./messages-command.ts')).tail(channel, options, context)),
    )
  asking(program, 'status', 'connections and queues').action(async (options: ClientOptions) =>
    ended(await (await import('./status-command.ts')).status(options, context)),
  )
  asking(program, 'stats', 'figures per channel and connection')
    .option('--window <duration>', '1m to 7d', '1h')
    .action(async (options: ClientOptions & { window?: string }) =>
      ended(await (await import('./status-command.ts')).stats(options, context)),
    )
  addRefused('quarantine', 'messages that were refused')
  addRefused('deadletters', 'messages that a destination refused for good')

  function addRefused(kind: RefusedKind, description: string): void {
    const parent = program.command(kind).description(description)
    asking(parent, 'list', 'the newest first')
      .option('--topic <topic>', 'only of this topic')
      .option('--client <id>', 'only of this client')
      .option('--limit <count>', 'how many', '100')
      .action(async (options: RefusedListOptions) =>
        ended(await (await import('./refused-command.ts')).list(kind, options, context)),
      )
    asking(parent, 'show', 'one of them, whole')
      .argument('<id>')
      .action(async (id: string, options: ClientOptions) =>
        ended(await (await import('./refused-command.ts')).show(kind, id, options, context)),
      )
    asking(parent, 'replay', 'publish or send it again')
      .argument('<id>')
      .action(async (id: string, options: ClientOptions) =>
        ended(await (await import('./refused-command.ts')).replay(kind, id, options, context)),
      )
    asking(parent, 'discard', 'delete it')
      .argument('<id>')
      .action(async (id: string, options: ClientOptions) =>
        ended(await (await import('./refused-command.ts')).discard(kind, id, options, context)),
      )
  }
}
