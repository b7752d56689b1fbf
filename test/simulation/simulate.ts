import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from './random.ts'
import type { Seams } from './simulated-gateway.ts'
import type { Arrival } from './simulated-servers.ts'
import { Simulation } from './simulation.ts'
import { chooseStep } from './steps.ts'

/** A folder in memory, where there is one: an fsync costs nothing there, and nobody cuts the power of a simulation. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const MAX_STEPS = 60
const SHOWN_STEPS = 25
const SHOWN_FAULTS = 8

interface Run {
  steps: string[]
  faults: string[]
  arrivals: readonly Arrival[]
}

/** Runs the simulation of one seed: the same seed gives the same run. */
export async function run(seed: number, seams: Seams = {}): Promise<Run> {
  const random = new Random(seed)
  const folder = mkdtempSync(join(FOLDER, 'stepflow-simulation-'))
  const steps: string[] = []
  try {
    const simulation = new Simulation(random, folder, seams)
    const count = random.integer(5, MAX_STEPS)
    while (steps.length < count) {
      const atMs = simulation.time.monotonicMs()
      const done = await chooseStep(random)(simulation, random)
      steps.push(`${String(steps.length + 1)}. at ${atMs} ms: ${done}`)
    }
    const faults = await simulation.rest()
    return { steps, faults, arrivals: simulation.servers.arrivals }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Returns what went wrong in the run of a seed, with all that is needed to repeat it; undefined where nothing did. */
export async function simulate(seed: number, seams: Seams = {}): Promise<string | undefined> {
  const { faults, steps } = await run(seed, seams)
  if (faults.length === 0) return undefined
  return [
    `SEED=${seed} npx vitest run test/simulation shows ${faults.length} faults:`,
    ...faults.slice(0, SHOWN_FAULTS).map((fault) => `  ${fault}`),
    `behind ${steps.length} steps, the last of them:`,
    ...steps.slice(-SHOWN_STEPS).map((step) => `  ${step}`),
  ].join('\n')
}
