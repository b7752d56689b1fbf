/** Thrown out of a check that needs more work than one payload may cost. */
export class WorkExceeded extends Error {
  constructor() {
    super('it takes too much work')
  }
}

const CHARACTERS_PER_UNIT = 256
const KEYS_PER_UNIT = 4

/**
 * How much the checks of one payload may cost together: schemas and payloads can ask for exponential work (nested `anyOf`
 * over references), so branches, repetitions, pattern tests, long texts, objects and lists each spend from it. A unit is
 * well under a microsecond.
 */
export class WorkBudget {
  private spent = 0
  private readonly limit: number
  private counted: object | undefined
  private keys = 0

  constructor(limit = 100_000) {
    this.limit = limit
  }

  /** Another payload: all of it may be spent again. */
  refill(): void {
    this.spent = 0
    this.counted = undefined
  }

  /** `spend` for a schema that is held against a value and goes `walks` times through all of it. */
  enter(value: unknown, fixed: number, walks: number): void {
    this.spend(walks === 0 ? fixed : fixed + walks * this.lengthUnits(value))
  }

  /** Throws WorkExceeded once the limit is passed. */
  spend(units: number): void {
    this.spent += units
    if (this.spent > this.limit) throw new WorkExceeded()
  }

  /** The length of a text or an object, in units; counting keys costs too, so of one object it is done once. */
  private lengthUnits(value: unknown): number {
    if (typeof value === 'string') return value.length / CHARACTERS_PER_UNIT
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 0
    if (value !== this.counted) {
      this.counted = value
      this.keys = Object.keys(value).length
    }
    return this.keys / KEYS_PER_UNIT
  }
}
