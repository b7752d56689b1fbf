/** The pauses of a loop: some are cut short by news, some only by the end. */
export class Sleeper {
  private stopped = false
  private news = false
  private onNews: (() => void) | undefined
  private onStop: (() => void) | undefined

  /** There may be something to do: ends `idle`, also one that begins later. */
  wake(): void {
    this.news = true
    this.onNews?.()
  }

  /** Ends every pause, now and from now on. */
  stop(): void {
    this.stopped = true
    this.onNews?.()
    this.onStop?.()
  }

  /** Until there is news, or for `maxMs`. */
  async idle(maxMs: number): Promise<void> {
    if (!this.news && !this.stopped) await this.wait(maxMs, (end) => (this.onNews = end))
    this.onNews = undefined
    this.news = false
  }

  /** For `ms`, whatever is new. */
  async pause(ms: number): Promise<void> {
    if (!this.stopped) await this.wait(ms, (end) => (this.onStop = end))
    this.onStop = undefined
  }

  private async wait(ms: number, register: (end: () => void) => void): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      register(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}
