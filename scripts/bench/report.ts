import { cpus, release } from 'node:os'
import type { Hold, JudgedFigure, Unit } from './figure.ts'

export interface Report {
  at: string
  machine: { cpu: string; cores: number; kernel: string; node: string }
  quick: boolean
  passed: boolean
  /** Scenarios that did not come to an end, and why. */
  failures: { scenario: string; error: string }[]
  figures: JudgedFigure[]
}

export function createReport(quick: boolean, failures: Report['failures'], figures: JudgedFigure[]): Report {
  const cores = cpus()
  return {
    at: new Date().toISOString(),
    machine: { cpu: cores[0]?.model ?? 'unknown', cores: cores.length, kernel: release(), node: process.version },
    quick,
    passed: failures.length === 0 && figures.every(({ passed }) => passed !== false),
    failures,
    figures,
  }
}

/** A table for reading, and for `docs/performance.md`. */
export function toTable(figures: readonly JudgedFigure[]): string {
  const rows = figures.map(({ scenario, name, unit, median, rounds, hold, passed }) => [
    name,
    `${round(median)}${suffix(unit)}`,
    hold === undefined ? '' : holdText(hold, unit),
    passed === undefined ? '' : passed ? 'pass' : 'FAIL',
    rounds.map(round).join(' '),
    scenario,
  ])
  const table = [['figure', 'median', 'hold', '', 'rounds', 'scenario'], ...rows]
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? []
  const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  const [head = [], ...body] = table
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n')
}

function holdText({ atLeast, atMost }: Hold, unit: Unit): string {
  const low = atLeast === undefined ? [] : [`≥ ${atLeast}${suffix(unit)}`]
  const high = atMost === undefined ? [] : [`≤ ${atMost}${suffix(unit)}`]
  return [...low, ...high].join(', ')
}

function suffix(unit: Unit): string {
  if (unit === '×' || unit === '') return ''
  return unit === '/s' ? unit : ` ${unit}`
}

/** Three digits that count: the figures are not better than that. */
function round(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(3)))
}
