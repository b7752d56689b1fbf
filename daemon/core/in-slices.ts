/** Writing to so many takes a fraction of a millisecond. */
const AT_ONCE = 16
const PAUSE_MS = 2

/** Does something with each of many, a few at a time with pauses in between: devices are answered in them. Keeps no process alive. */
export function inSlices<Item>(items: Iterable<Item>, work: (item: Item) => void): void {
  const all = [...items]
  const step = (from: number): void => {
    for (const item of all.slice(from, from + AT_ONCE)) work(item)
    if (from + AT_ONCE < all.length) setTimeout(step, PAUSE_MS, from + AT_ONCE).unref()
  }
  step(0)
}
