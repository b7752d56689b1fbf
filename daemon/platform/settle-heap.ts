const LOOK_EVERY_MS = 5_000

/**
 * Collects all that starting has left behind and gives the room back, which V8 would keep until there is work enough for a
 * collection: on a quiet gateway never. Stops the thread for a tenth of a second. Does nothing without `--expose-gc`.
 */
export function settleHeap(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/** Once, when nothing has happened for some seconds; `activity` counts what happens. Keeps no process alive. */
export function settleHeapWhenQuiet(activity: () => number): void {
  let seen = activity()
  const timer = setInterval(() => {
    const now = activity()
    if (now === seen) {
      clearInterval(timer)
      settleHeap()
    }
    seen = now
  }, LOOK_EVERY_MS).unref()
}
