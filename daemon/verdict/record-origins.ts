import type { LogReader } from '../store/log/log-reader.ts'
import { FLAG_SYNCED, type StoredRecord } from '../store/log/record.ts'

/** The part of the log that knows boots and store ids. */
export type OriginReader = Pick<LogReader, 'messageIdPrefix' | 'wallOffset'>

/** Message-id prefixes and times of reception of stored records, from their store id and boot. */
export class RecordOrigins {
  private readonly reader: OriginReader
  private readonly epochs = new Map<number, { prefix: string; gateway: Buffer }>()
  private readonly offsets = new Map<number, number>()

  constructor(reader: OriginReader) {
    this.reader = reader
  }

  /** `prefix` is `<gateway id>:<store id>:`. */
  epoch(epoch: number): { prefix: string; gateway: Buffer } {
    let known = this.epochs.get(epoch)
    if (known === undefined) {
      const prefix = this.reader.messageIdPrefix(epoch)
      this.epochs.set(epoch, (known = { prefix, gateway: Buffer.from(prefix.slice(0, prefix.indexOf(':'))) }))
    }
    return known
  }

  /** Milliseconds since the Unix epoch; corrected where the boot's clock was synchronised after the message came. */
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
