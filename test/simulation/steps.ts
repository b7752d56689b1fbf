import { LANES } from '../../daemon/core/message.ts'
import type { PlanTarget } from '../../daemon/verdict/plan.ts'
import type { Random } from './random.ts'
import { ADDRESSES, DESTINATIONS, type Mood, type RouteState } from './simulated-servers.ts'
import type { Simulation } from './simulation.ts'

type Step = (simulation: Simulation, random: Random) => string | Promise<string>

const MOODS: readonly Mood[] = ['up', 'up', 'down', 'refusing', 'mute']
const ROUTES: readonly RouteState[] = ['open', 'open', 'missing', 'forbidden']

/** Steps of the simulation with their weights. Each says what it did. */
const STEPS: readonly (readonly [number, Step])[] = [
  [30, append],
  [20, pass],
  [10, changeRoute],
  [7, changeMood],
  [3, stepWall],
  [3, (simulation) => simulation.killForwarder()],
  [2, (simulation) => simulation.killWriter()],
  [2, (simulation) => simulation.killProcess()],
  [1, (simulation) => simulation.restart()],
  [4, reconfigure],
  [2, (simulation, random) => simulation.discard(random.pick(DESTINATIONS))],
  [4, (simulation, random) => simulation.replay((letters) => random.some(letters, 1, 5))],
]
const TOTAL = STEPS.reduce((sum, [weight]) => sum + weight, 0)

export function chooseStep(random: Random): Step {
  let left = random.integer(0, TOTAL - 1)
  for (const [weight, step] of STEPS) {
    if (left < weight) return step
    left -= weight
  }
  return pass
}

/** Appends messages of one plan, as a route would make it of the upstreams that are configured. */
function append(simulation: Simulation, random: Random): string {
  const names = random.some(simulation.configured, 1, 4)
  if (names.length === 0) return 'appends nothing: there is no upstream'
  const targets: PlanTarget[] = names.flatMap((to) =>
    random.some(ADDRESSES, 1, 3).map((address) => ({ to, address, key: null })),
  )
  const lane = random.pick([...LANES, 'live', 'live'] as const)
  const count = random.chance(0.1) ? random.integer(50, 400) : random.integer(1, 12)
  const ttlMs = random.chance(0.15) ? random.integer(1_000, 20_000) : 0
  for (let i = 0; i < count; i++) simulation.append(lane, targets, `device-${random.integer(1, 3)}`, ttlMs)
  return `appends ${count} to ${lane} ${targets.map(({ to, address }) => `${to}/${address}`).join(' ')} ttl ${ttlMs}`
}

async function pass({ time }: Simulation, random: Random): Promise<string> {
  const ms = random.chance(0.2) ? random.integer(1_000, 15_000) : random.integer(0, 300)
  await time.pass(ms)
  return `${ms} ms pass`
}

function changeRoute({ servers }: Simulation, random: Random): string {
  const name = random.pick(DESTINATIONS)
  const address = random.pick(ADDRESSES)
  const state = random.pick(ROUTES)
  servers.setRoute(name, address, state)
  return `${name}/${address} is ${state}`
}

function changeMood({ servers }: Simulation, random: Random): string {
  const name = random.pick(DESTINATIONS)
  const mood = random.pick(MOODS)
  servers.setMood(name, mood)
  return `${name} is ${mood}`
}

function stepWall({ time }: Simulation, random: Random): string {
  const ms = random.integer(-7_200_000, 7_200_000)
  time.stepWall(ms)
  return `the wall clock steps by ${ms} ms`
}

/** Adds, removes or changes one upstream; several changes may come at once. */
function reconfigure(simulation: Simulation, random: Random): string {
  const changes: string[] = []
  do {
    const name = random.pick(DESTINATIONS)
    const isThere = simulation.configured.includes(name)
    if (isThere && random.chance(0.5)) {
      simulation.change(name)
      changes.push(`changes ${name}`)
    } else {
      simulation.toggle(name)
      changes.push(`${isThere ? 'removes' : 'adds'} ${name}`)
    }
  } while (random.chance(0.3))
  return changes.join(', ')
}
