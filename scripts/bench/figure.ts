import { median } from './statistics.ts'

/** `×` is a ratio, and nothing a number of things. */
export type Unit = '×' | 'µs' | 'ms' | 'MB' | '/s' | ''

export interface Hold {
  atLeast?: number
  atMost?: number
}

export interface Figure {
  scenario: string
  name: string
  unit: Unit
  /** None: it is only shown, to make others understood. */
  hold?: Hold
  /** One value a round. */
  rounds: readonly number[]
}

export interface JudgedFigure extends Figure {
  median: number
  passed?: boolean
}

export function judge(figure: Figure): JudgedFigure {
  const middle = median(figure.rounds)
  const { hold } = figure
  if (hold === undefined) return { ...figure, median: middle }
  // Written so that "not a number" does not pass.
  const passed = middle >= (hold.atLeast ?? -Infinity) && middle <= (hold.atMost ?? Infinity)
  return { ...figure, median: middle, passed }
}

/** Ratios first: they hold on any machine. What is only shown comes last. */
export function inOrder(figures: readonly JudgedFigure[]): JudgedFigure[] {
  const rank = (figure: JudgedFigure) => (figure.hold === undefined ? 2 : figure.unit === '×' ? 0 : 1)
  return figures.toSorted((a, b) => rank(a) - rank(b))
}
