import type { ErrorCode } from '../core/errors.ts'

/** Totals of incoming messages since the start. Plain numbers, so that counting costs next to nothing a message. */
export class IngestCounts {
  received = 0
  receivedBytes = 0
  stored = 0
  quarantined = 0
  unavailable = 0
  droppedWhileFull = 0
  wrongDirection = 0
  readonly refusedByCode = new Map<ErrorCode, number>()

  /** A message has come, from wherever, whatever becomes of it. */
  arrived({ payload }: { payload: Uint8Array }): void {
    this.received++
    this.receivedBytes += payload.length
  }

  refused(code: ErrorCode): void {
    this.refusedByCode.set(code, (this.refusedByCode.get(code) ?? 0) + 1)
  }

  get rejected(): number {
    let sum = 0
    for (const count of this.refusedByCode.values()) sum += count
    return sum
  }
}
