/** Ends a check that needs more work than one payload may cost. */
export class WorkExceeded extends Error {
  constructor() {
    super('it takes too much work')
  }
}

const CHARACTERS_PER_UNIT = 256
const KEYS_PER_UNIT = 4

/**
 * The work that all checks of one payload may take together. Schemas and payloads can ask for exponential work (nested
 * `anyOf` over references), so branches, repetitions, pattern tests, long texts, objects and lists each spend from the
 * budget. A unit takes well under a microsecond.
 */
export class WorkBudget {
  private spent = 0
  private readonly limit: number
  private counted: object | undefined
  private keys = 0

  constructor(limit = 100_000) {
    this.limit = limit
  }

  /** Restores the full budget, for the next payload. */
  refill(): void {
    this.spent = 0
    this.counted = undefined
  }

  /** Spends the cost of a schema that is evaluated on a value: `fixed` units, and those of `walks` passes over it. */
  enter(value: unknown, fixed: number, walks: number): void {
    this.spend(walks === 0 ? fixed : fixed + walks * this.lengthUnits(value))
  }

  /** Throws WorkExceeded once the limit is passed. */
  spend(units: number): void {
    this.spent += units
    if (this.spent > this.limit) throw new WorkExceeded()
  }

  /** The units of one pass over a text or an object. The keys of an object are counted once, as that takes time, too. */
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
