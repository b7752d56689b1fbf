/** `npm run bench`: measures the daemon beside what it is compared with, and exits 1 where a figure does not hold. */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Figure, inOrder, judge } from './figure.ts'
import { createReport, toTable } from './report.ts'
import { FULL, QUICK, Recorder, type Scenario } from './scenario.ts'
import { channels } from './scenarios/channels.ts'
import { forward } from './scenarios/forward.ts'
import { httpPublish } from './scenarios/http-publish.ts'
import { idleMemory } from './scenarios/idle-memory.ts'
import { ingest } from './scenarios/ingest.ts'
import { latency } from './scenarios/latency.ts'
import { loopLag } from './scenarios/loop-lag.ts'
import { memoryGrowth } from './scenarios/memory-growth.ts'
import { oneInFlight } from './scenarios/one-in-flight.ts'
import { quiet } from './scenarios/quiet.ts'
import { readers } from './scenarios/readers.ts'
import { registration } from './scenarios/registration.ts'

const SCENARIOS: readonly Scenario[] = [
  ingest,
  forward,
  oneInFlight,
  latency,
  channels,
  loopLag,
  idleMemory,
  quiet,
  memoryGrowth,
  httpPublish,
  registration,
  readers,
]
const USAGE = `npm run bench -- [--quick] [--json FILE] [--only NAME]…
  --quick      one round, a tenth of the messages: to see that it works
  --json FILE  writes the figures as JSON too
  --only NAME  ${SCENARIOS.map(({ name }) => name).join(', ')}
`

function readArguments() {
  try {
    return parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        json: { type: 'string' },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
}

function usage(problem: string): never {
  process.stderr.write(`${problem}\n${USAGE}`)
  process.exit(64)
}

// Servers and folders are cleared away on exit, which a signal alone would skip.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
// kafkajs sets timers of less than no time on this Node; that is no news for whoever reads figures.
process.removeAllListeners('warning')

const { only, json, quick, help } = readArguments()
if (help) {
  process.stdout.write(USAGE)
  process.exit(0)
}
const unknown = only?.find((name) => !SCENARIOS.some((scenario) => scenario.name === name))
if (unknown !== undefined) usage(`there is no scenario ${unknown}`)

const say = (line: string) => process.stderr.write(`${line}\n`)
const figures: Figure[] = []
const failures: { scenario: string; error: string }[] = []
for (const scenario of SCENARIOS) {
  if (only !== undefined && !only.includes(scenario.name)) continue
  say(scenario.name)
  const record = new Recorder(scenario.name, say)
  try {
    await scenario.run(quick ? QUICK : FULL, record)
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    say(`  failed: ${text}`)
    failures.push({ scenario: scenario.name, error: text })
  }
  figures.push(...record.figures)
}

const report = createReport(quick, failures, inOrder(figures.map(judge)))
if (report.figures.length > 0) process.stdout.write(`${toTable(report.figures)}\n`)
for (const { scenario, error } of failures) process.stdout.write(`${scenario} failed: ${error}\n`)
if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`)
process.exitCode = report.passed ? 0 : 1
