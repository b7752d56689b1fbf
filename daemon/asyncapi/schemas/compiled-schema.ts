import type { ErrorObject } from 'ajv'
import type { Violation } from '../../core/message.ts'
import { toViolations } from './violation.ts'
import { WorkExceeded, type WorkBudget } from './work-budget.ts'

interface Check {
  (value: unknown): unknown
  errors?: ErrorObject[] | null
}

const NONE: readonly Violation[] = Object.freeze([])

/** A schema ready to be held against values. */
export class CompiledSchema {
  /** Why nothing is checked, if so. */
  readonly problem: string | undefined
  /** Parts that are not checked, such as unknown formats. */
  readonly notes: readonly string[]
  private readonly validate: Check
  private readonly budget: WorkBudget
  private readonly wrap: ((value: unknown) => unknown) | undefined

  constructor(
    validate: Check,
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

  /** The same check on what `wrap` makes of a value. */
  over(wrap: (value: unknown) => unknown): CompiledSchema {
    const problem = this.problem === undefined ? {} : { problem: this.problem }
    return new CompiledSchema(this.validate, this.budget, { notes: this.notes, ...problem }, wrap)
  }

  /** What is wrong with the value; empty where it is valid. Never throws, and ends within what is left of the budget. */
  check(given: unknown): readonly Violation[] {
    const value = this.wrap === undefined ? given : this.wrap(given)
    try {
      return this.validate(value) === true ? NONE : toViolations(this.validate.errors, value)
    } catch (error) {
      // RangeError: a schema that refers to itself without going down in the value.
      if (!(error instanceof WorkExceeded) && !(error instanceof RangeError)) throw error
      return [{ pointer: '', keyword: 'limit', expected: 'a value that is cheap to check', actual: 'too much work' }]
    }
  }
}
