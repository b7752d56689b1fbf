import { Command, CommanderError } from 'commander'
import { version } from '../platform/version.ts'
import type { CliContext } from './cli-context.ts'
import { addClientCommands } from './client-commands.ts'
import { EXIT } from './exit-codes.ts'

/** Runs the command of any command line, and its help. The code of a command is loaded when it is called. */
export async function parseCommand(argv: readonly string[], context: CliContext): Promise<number> {
  let code: number = EXIT.ok
  const program = new Command('stepflow-edge')
    .description(
      'Store-and-forward MQTT gateway: checks messages against AsyncAPI documents, stores them, forwards them to Kafka or AMQP.',
    )
    .version(argv.includes('--version') ? await versions() : version(), '--version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
    })
  program
    .command('run')
    .description('run the gateway in the foreground')
    .option('-c, --config <file>', 'configuration file')
    .action(async (options: { config?: string }) => {
      const { run } = await import('./commands/run.ts')
      code = await run(options, context)
    })
  program
    .command('check')
    .description('validate the configuration and AsyncAPI documents')
    .argument('[spec...]', 'AsyncAPI documents')
    .option('-c, --config <file>', 'configuration file')
    .option('--strict', 'check documents against the whole specification')
    .option('--json', 'print JSON')
    .action(async (specs: string[], options: { config?: string; strict?: boolean; json?: boolean }) => {
      const { check } = await import('./commands/check.ts')
      code = await check(specs, options, context)
    })
  program
    .command('explain')
    .description('show the document, channel, message and destinations of a topic, and the verdict on a payload')
    .argument('<topic>')
    .argument('[payload]', 'the payload, or - for standard input')
    .option('-c, --config <file>', 'configuration file')
    .option('--json', 'print JSON')
    .action(async (topic: string, payload: string | undefined, options: { config?: string; json?: boolean }) => {
      const { explain } = await import('./commands/explain.ts')
      code = await explain(topic, payload, options, context)
    })
  addClientCommands(program, context, (ended) => {
    code = ended
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    throw error
  }
  return code
}

/** Includes the version of SQLite, which only its native module knows. */
async function versions(): Promise<string> {
  const { default: Database } = await import('better-sqlite3')
  const db = new Database(':memory:')
  const sqlite = db.prepare<[], string>('SELECT sqlite_version()').pluck().get()
  db.close()
  return `stepflow-edge ${version()} (Node ${process.versions.node}, SQLite ${sqlite})`
}
