import type { LogReader } from '../store/log/log-reader.ts'
import { FLAG_SYNCED, type StoredRecord } from '../store/log/record.ts'

/** What the store knows of boots and store ids. */
export type OriginReader = Pick<LogReader, 'messageIdPrefix' | 'wallOffset'>

/** Where and when records came in: what they say of that, with what the store knows of their boot and store id. */
export class RecordOrigins {
  private readonly reader: OriginReader
  private readonly epochs = new Map<number, { prefix: string; gateway: Buffer }>()
  private readonly offsets = new Map<number, number>()

  constructor(reader: OriginReader) {
    this.reader = reader
  }

  /** `<gateway id>:<store id>:`, and the gateway's id alone. */
  epoch(epoch: number): { prefix: string; gateway: Buffer } {
    let known = this.epochs.get(epoch)
    if (known === undefined) {
      const prefix = this.reader.messageIdPrefix(epoch)
      this.epochs.set(epoch, (known = { prefix, gateway: Buffer.from(prefix.slice(0, prefix.indexOf(':'))) }))
    }
    return known
  }

  /** Milliseconds since the epoch, and whether they can be believed; corrected where the boot's clock was synchronised later. */
  receivedAt(record: StoredRecord, boot: number): { wallMs: number; synced: boolean } {
    if ((record.flags & FLAG_SYNCED) !== 0) return { wallMs: record.wallMs, synced: true }
    const offset = this.offset(boot)
    return offset === undefined
      ? { wallMs: record.wallMs, synced: false }
      : { wallMs: record.runningMs + offset, synced: true }
  }

  private offset(boot: number): number | undefined {
    const known = this.offsets.get(boot) ?? this.reader.wallOffset(boot)
    if (known !== undefined) this.offsets.set(boot, known)
    return known
  }
}
