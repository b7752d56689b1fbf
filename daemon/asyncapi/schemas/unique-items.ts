import type { WorkBudget } from './work-budget.ts'

/** `uniqueItems` in linear time: each item becomes a canonical text; comparing each with each is quadratic. */
export function allUnique(items: readonly unknown[], budget: WorkBudget): boolean {
  const seen = new Set<string>()
  for (const item of items) {
    const key = canonical(item, budget)
    if (seen.has(key)) return false
    seen.add(key)
  }
  return true
}

/** The same text for values that JSON Schema takes as equal: the order of keys does not count. */
function canonical(value: unknown, budget: WorkBudget): string {
  budget.spend(0.5)
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, budget)).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item, budget)}`).join()}}`
}
