import type { Figure, Hold, Unit } from './figure.ts'

export interface Effort {
  /** More than the usual three where what is measured is short, or is a tail of a few samples. */
  rounds: (full?: number) => number
  /** Of messages. */
  count: (full: number) => number
  seconds: (full: number) => number
}

export const FULL: Effort = { rounds: (full = 3) => full, count: (full) => full, seconds: (full) => full }
/** To see that the bench works; its figures say little. */
export const QUICK: Effort = {
  rounds: () => 1,
  count: (full) => Math.ceil(full / 10),
  seconds: (full) => Math.max(3, full / 10),
}

export interface Scenario {
  name: string
  run(effort: Effort, record: Recorder): Promise<void>
}

/** Collects the figures of a scenario, one value a round. */
export class Recorder {
  private readonly scenario: string
  private readonly say: (line: string) => void
  private readonly byName = new Map<string, Figure & { rounds: number[] }>()

  constructor(scenario: string, say: (line: string) => void) {
    this.scenario = scenario
    this.say = say
  }

  /** Without a hold it is only shown. */
  add(name: string, unit: Unit, value: number, hold?: Hold): void {
    const known = this.byName.get(name)
    this.say(`  ${name}: ${Number(value.toPrecision(4))} ${unit}`)
    if (known !== undefined) {
      known.rounds.push(value)
      return
    }
    this.byName.set(name, { scenario: this.scenario, name, unit, ...(hold && { hold }), rounds: [value] })
  }

  get figures(): Figure[] {
    return [...this.byName.values()]
  }
}
