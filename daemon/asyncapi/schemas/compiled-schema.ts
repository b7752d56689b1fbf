import type { ErrorObject } from 'ajv'
import type { Violation } from '../../core/message.ts'
import { toViolations } from './violation.ts'
import { WorkExceeded, type WorkBudget } from './work-budget.ts'

/** A check of decoded payloads. */
export interface ValueCheck {
  /** The reason why nothing is checked, if that is so. */
  readonly problem: string | undefined
  /** Parts of the schema that are not checked, such as unknown formats. */
  readonly notes: readonly string[]
  /** Returns the violations; an empty list for a valid value. */
  check(value: unknown): readonly Violation[]
}

interface Validate {
  (value: unknown): unknown
  errors?: ErrorObject[] | null
}

const NONE: readonly Violation[] = Object.freeze([])

/** A compiled JSON Schema. */
export class CompiledSchema implements ValueCheck {
  readonly problem: string | undefined
  readonly notes: readonly string[]
  private readonly validate: Validate
  private readonly budget: WorkBudget
  private readonly wrap: ((value: unknown) => unknown) | undefined

  constructor(
    validate: Validate,
    budget: WorkBudget,
    found: { notes: readonly string[]; problem?: string },
    wrap?: (value: unknown) => unknown,
  ) {
    this.validate = validate
    this.budget = budget
    this.notes = found.notes
    this.problem = found.problem
    this.wrap = wrap
  }

  /** The same check, applied to the result of `wrap`. */
  over(wrap: (value: unknown) => unknown): CompiledSchema {
    const problem = this.problem === undefined ? {} : { problem: this.problem }
    return new CompiledSchema(this.validate, this.budget, { notes: this.notes, ...problem }, wrap)
  }

  /** Never throws. Ends within the rest of the budget; a value that needs more is a violation. */
  check(given: unknown): readonly Violation[] {
    const value = this.wrap === undefined ? given : this.wrap(given)
    try {
      return this.validate(value) === true ? NONE : toViolations(this.validate.errors, value)
    } catch (error) {
      // RangeError: the schema refers to itself without descending into the value.
      if (!(error instanceof WorkExceeded) && !(error instanceof RangeError)) throw error
      return [{ pointer: '', keyword: 'limit', expected: 'a value that is cheap to check', actual: 'too much work' }]
    }
  }
}
