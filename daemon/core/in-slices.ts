/** Items in one slice; writing to eight connections takes a fraction of a millisecond. */
const SLICE_ITEMS = 8
/** Slices between two pauses. */
const SLICES_AT_ONCE = 4
const PAUSE_MS = 1

/** Does `work` for every item in small slices, between which devices are served (`readers`). `done` is called after the last. */
export function inSlices<Item>(items: Iterable<Item>, work: (item: Item) => void, done?: () => void): void {
  const all = [...items]
  const step = (from: number): void => {
    const next = from + SLICE_ITEMS
    for (const item of all.slice(from, next)) work(item)
    if (next >= all.length) done?.()
    else if ((next / SLICE_ITEMS) % SLICES_AT_ONCE > 0) setImmediate(step, next)
    else setTimeout(step, PAUSE_MS, next)
  }
  step(0)
}
