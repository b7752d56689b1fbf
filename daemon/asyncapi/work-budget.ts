/** Thrown out of a check that needs more work than one payload may cost. */
export class WorkExceeded extends Error {}

/**
 * How much one check may cost: schemas and payloads together can ask for exponential work (nested `anyOf` over
 * references), so branches, pattern tests and long lists each spend from it. A unit is well under a microsecond.
 */
export class WorkBudget {
  spent = 0
  readonly limit: number

  constructor(limit = 100_000) {
    this.limit = limit
  }

  /** Throws WorkExceeded once the limit is passed. */
  spend(units: number): void {
    this.spent += units
    if (this.spent > this.limit) throw new WorkExceeded()
  }
}
