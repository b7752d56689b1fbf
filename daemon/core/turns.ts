/** Serialises work: each piece runs when the one before has ended, however that ended. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve()
  private unfinished = 0

  run<Value>(work: () => Promise<Value>): Promise<Value> {
    this.unfinished++
    const turn = this.last.then(work)
    this.last = turn.then(
      () => void this.unfinished--,
      () => void this.unfinished--,
    )
    return turn
  }

  /** Pieces of work that have not ended. */
  get size(): number {
    return this.unfinished
  }
}
