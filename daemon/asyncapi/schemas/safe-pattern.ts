import { RE2JS } from 're2js'
import type { WorkBudget } from './work-budget.ts'

const MAX_PATTERN_LENGTH = 2_000
const MAX_PROGRAM_SIZE = 5_000
/** Characters that one unit of the budget buys. */
const CHARACTERS_PER_UNIT = 16

/**
 * A pattern of a document, tested in linear time. Throws where RE2 has no such expression (look-around, back
 * references) or it is too large.
 */
export function compilePattern(
  pattern: string,
  budget: WorkBudget,
): { test(text: string): boolean; toString(): string } {
  if (pattern.length > MAX_PATTERN_LENGTH) throw new Error(`pattern of ${pattern.length} characters is too long`)
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern))
  const size = compiled.programSize()
  if (size > MAX_PROGRAM_SIZE) throw new Error(`pattern ${pattern.slice(0, 40)} is too large`)
  // A large expression may leave the automaton and be simulated state by state.
  const weight = 1 + size / 500
  return {
    test(text: string): boolean {
      budget.spend(1 + (text.length * weight) / CHARACTERS_PER_UNIT)
      return compiled.test(text)
    },
    // ajv keeps one expression for each text that it has.
    toString: () => pattern,
  }
}
