import { EdgeError, messageOf } from '../../core/errors.ts'
import { type Logger, silentLogger } from '../../core/logger.ts'
import { ACCEPTED, type Outcome, type OutgoingMessage, type ProtocolAdapter } from '../adapter.ts'
import type { FileConfig } from './file-options.ts'
import { journalLine } from './journal-line.ts'
import { type Dropped, Journal } from './journal.ts'

/**
 * Writes messages to files of JSON Lines. A message is accepted when its line is on the disk; a batch is one write and one
 * sync, accepted or kept as a whole. After a failure the files are opened again, as after a crash.
 */
export class FileAdapter implements ProtocolAdapter<FileConfig> {
  onStateChange?: (state: 'connected' | 'disconnected', error?: EdgeError) => void
  /** Called when files were deleted because of `maxBytes`. */
  onDrop?: (dropped: Dropped) => void
  droppedFiles = 0
  droppedBytes = 0
  private readonly logger: Logger
  private config: FileConfig | undefined
  private journal: Journal | undefined
  private hasFailed = false

  constructor(options: { logger?: Logger } = {}) {
    this.logger = options.logger ?? silentLogger
  }

  async connect(config: FileConfig): Promise<void> {
    await this.disconnect()
    this.config = config
    try {
      this.journal = await this.open(config)
    } catch (error) {
      throw diskError(error)
    }
  }

  async publish(_channel: string | null, messages: readonly OutgoingMessage[]): Promise<Outcome[]> {
    if (this.config === undefined) return keptAll(messages, new EdgeError('upstream-disk', 'not connected'))
    if (messages.length === 0) return []
    try {
      this.journal ??= await this.open(this.config)
      await this.journal.append(Buffer.from(messages.map(journalLine).join(''), 'utf8'))
    } catch (error) {
      const reason = diskError(error)
      this.setFailed(reason)
      return keptAll(messages, reason)
    }
    this.setFailed(undefined)
    return messages.map(() => ACCEPTED)
  }

  subscribe(): Promise<void> {
    return Promise.reject(new EdgeError('unsupported', 'files cannot be subscribed to'))
  }

  async disconnect(): Promise<void> {
    const { journal } = this
    this.config = undefined
    this.journal = undefined
    this.hasFailed = false
    try {
      await journal?.close()
    } catch (error) {
      // Everything accepted is on the disk already; what remains is cut off at the next start.
      this.logger.warn({ error: messageOf(error) }, 'the journal could not be closed properly')
    }
  }

  private open(config: FileConfig): Promise<Journal> {
    return Journal.open(config, this.logger, (dropped) => {
      this.droppedFiles += dropped.files
      this.droppedBytes += dropped.bytes
      this.onDrop?.(dropped)
    })
  }

  private setFailed(error: EdgeError | undefined): void {
    const hasFailed = error !== undefined
    if (hasFailed === this.hasFailed) return
    this.hasFailed = hasFailed
    this.onStateChange?.(hasFailed ? 'disconnected' : 'connected', error)
  }
}

function keptAll(messages: readonly OutgoingMessage[], error: EdgeError): Outcome[] {
  return messages.map(() => ({ status: 'kept', error }))
}

function diskError(error: unknown): EdgeError {
  return error instanceof EdgeError ? error : new EdgeError('upstream-disk', messageOf(error), { cause: error })
}
