import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from './random.ts'
import type { Seams } from './simulated-gateway.ts'
import { Simulation } from './simulation.ts'
import { chooseStep } from './steps.ts'

/** A folder in memory, where there is one: an fsync costs nothing there, and nobody cuts the power of a simulation. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const MAX_STEPS = 60
const SHOWN_STEPS = 25
const SHOWN_FAULTS = 8

/** Runs the simulation of one seed. Returns what went wrong, with all that is needed to repeat it; undefined where nothing did. */
export async function simulate(seed: number, seams: Seams = {}): Promise<string | undefined> {
  const random = new Random(seed)
  const folder = mkdtempSync(join(FOLDER, 'stepflow-simulation-'))
  const steps: string[] = []
  let faults: string[]
  try {
    const simulation = new Simulation(random, folder, seams)
    const count = random.integer(5, MAX_STEPS)
    while (steps.length < count) {
      const atMs = simulation.time.monotonicMs()
      const done = await chooseStep(random)(simulation, random)
      steps.push(`${String(steps.length + 1)}. at ${atMs} ms: ${done}`)
    }
    faults = await simulation.rest()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  if (faults.length === 0) return undefined
  return [
    `SEED=${seed} npx vitest run test/simulation shows ${faults.length} faults:`,
    ...faults.slice(0, SHOWN_FAULTS).map((fault) => `  ${fault}`),
    `behind ${steps.length} steps, the last of them:`,
    ...steps.slice(-SHOWN_STEPS).map((step) => `  ${step}`),
  ].join('\n')
}
