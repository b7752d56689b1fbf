import { EdgeError, messageOf } from '../../core/errors.ts'
import { type Logger, silentLogger } from '../../core/logger.ts'
import { ACCEPTED, type Outcome, type OutgoingMessage, type ProtocolAdapter } from '../adapter.ts'
import type { FileConfig } from './file-settings.ts'
import { journalLine } from './journal-line.ts'
import { type Dropped, Journal } from './journal.ts'

/**
 * Writes messages to files of JSON Lines. A message is accepted when its line is on the disk; a batch is one write and one
 * sync, and is accepted or kept as a whole. A last line that was cut off by a crash is removed when the files are opened.
 */
export class FileAdapter implements ProtocolAdapter<FileConfig> {
  /** Called when files were deleted because of `maxBytes`. */
  onDrop?: (dropped: Dropped) => void
  droppedFiles = 0
  droppedBytes = 0
  private readonly logger: Logger
  private config: FileConfig | undefined
  private journal: Journal | undefined

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
      return keptAll(messages, diskError(error))
    }
    return messages.map(() => ACCEPTED)
  }

  subscribe(): Promise<void> {
    return Promise.reject(new EdgeError('unsupported', 'files cannot be subscribed to'))
  }

  async disconnect(): Promise<void> {
    const { journal } = this
    this.config = undefined
    this.journal = undefined
    try {
      await journal?.close()
    } catch (error) {
      // Every accepted line is on the disk already; a torn one is cut off at the next start.
      this.logger.warn({ error: messageOf(error) }, 'the journal could not be closed cleanly')
    }
  }

  private open(config: FileConfig): Promise<Journal> {
    return Journal.open(config, this.logger, (dropped) => {
      this.droppedFiles += dropped.files
      this.droppedBytes += dropped.bytes
      const { droppedFiles, droppedBytes } = this
      const { directory, maxBytes } = config
      this.logger.warn(
        { directory, maxBytes, ...dropped, droppedFiles, droppedBytes },
        'the oldest files of the journal were deleted, because all are larger than maxBytes',
      )
      this.onDrop?.(dropped)
    })
  }
}

function keptAll(messages: readonly OutgoingMessage[], error: EdgeError): Outcome[] {
  return messages.map(() => ({ status: 'kept', error }))
}

function diskError(error: unknown): EdgeError {
  return error instanceof EdgeError ? error : new EdgeError('upstream-disk', messageOf(error), { cause: error })
}
