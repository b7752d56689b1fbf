/** Writing to so many takes a fraction of a millisecond; after some rounds of it there is a pause for everything else. */
const AT_ONCE = 8
const ROUNDS_AT_ONCE = 4
const PAUSE_MS = 1

/** Does something with each of many, a few at a time: devices are answered in between. `done` comes behind the last. */
export function inSlices<Item>(items: Iterable<Item>, work: (item: Item) => void, done?: () => void): void {
  const all = [...items]
  const step = (from: number): void => {
    const next = from + AT_ONCE
    for (const item of all.slice(from, next)) work(item)
    if (next >= all.length) done?.()
    else if ((next / AT_ONCE) % ROUNDS_AT_ONCE > 0) setImmediate(step, next)
    else setTimeout(step, PAUSE_MS, next)
  }
  step(0)
}
