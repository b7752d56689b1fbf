import type { LostRange } from '../../store/tables/cursors.ts'

type Fate = LostRange['fate']

/** Beyond it they are coarser: what a destination gives up it gives up in order, with nothing of its own left in between. */
const MAX_RANGES = 1_000

/** Sequences, ascending, as ranges that hold nothing else. */
export function lostRanges(seqs: Iterable<number>, fate: Fate): LostRange[] {
  const ranges: LostRange[] = []
  let last: LostRange | undefined
  for (const seq of seqs) {
    if (last !== undefined && (last.to === seq - 1 || ranges.length >= MAX_RANGES)) last.to = seq
    else ranges.push((last = { from: seq, to: seq, fate }))
  }
  return ranges
}
