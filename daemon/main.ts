/**
 * The process. Checks the runtime before it imports anything: an older Node would not fail with a message but crash in a
 * native module.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(
    `stepflow-edge needs Node 24.15 or later, this is ${process.versions.node}. Start it with scripts/stepflow-edge.sh, which brings its own.\n`,
  )
  process.exit(1)
}

// A reload that is asked for while the program loads is served by the start, which reads the files as they are then.
if (process.argv[2] === 'run') process.on('SIGHUP', () => undefined)

const { hostname } = await import('node:os')
const { main } = await import('./cli/program.ts')

const code = await main(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  hostName: hostname(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  onSignal: (signal, handler) => process.on(signal, handler),
  onUncaught: (handler) => process.on('uncaughtException', handler).on('unhandledRejection', handler),
  exit: (now) => process.exit(now),
})
process.exit(code)
