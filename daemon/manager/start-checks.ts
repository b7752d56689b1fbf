import type { EdgeError } from '../core/errors.ts'
import { settledWithin, type Timers } from '../core/timers.ts'
import { type FileState, type LoadedDocuments, loadedOf } from './document-loader.ts'
import type { RegisteredDocument } from './document-registry.ts'

/** A document that waits for its check, or is being checked. */
export interface UnfinishedDocument {
  name: string
  /** Its last good version is in force meanwhile. */
  kept: boolean
}

export interface StartCheckOptions {
  files: readonly FileState[]
  /** Registered over the API, with no contract at hand. */
  registered: readonly RegisteredDocument[]
  /** Checks a file. Rejects only when the gateway stops. */
  checkFile: (state: FileState) => Promise<FileState>
  /** Checks a registered document and puts it in force. Resolves to what is wrong with it, and rejects when the gateway stops. */
  checkRegistered: (document: RegisteredDocument) => Promise<EdgeError | undefined>
  /** Called when the check of a file ends after the wait. */
  onFileChecked: () => void
  timers: Timers
}

/**
 * How long a start waits for documents of which no version is at hand: until they are in force, messages on their topics are
 * unmatched. Nothing is refused when it has passed.
 */
const FIRST_CHECK_WAIT_MS = 10_000
/** The same for documents whose last good version judges meanwhile. */
const NEW_TEXT_WAIT_MS = 3_000

/** Checks what a start has found unchecked, one document after the other; what takes too long goes on in the background. */
export class StartChecks {
  private readonly options: StartCheckOptions
  private readonly files: FileState[]
  private registered: readonly RegisteredDocument[]
  /** Registered documents that do not load. */
  readonly wrong: LoadedDocuments['failures'] = []
  private isBackground = false
  private readonly ended: Promise<void>

  constructor(options: StartCheckOptions) {
    this.options = options
    this.files = [...options.files]
    this.registered = options.registered
    this.ended = this.run()
  }

  /** Resolves when everything is checked, or some seconds have passed. Never rejects. */
  async wait(): Promise<void> {
    const waitMs = this.unfinished.every(({ kept }) => kept) ? NEW_TEXT_WAIT_MS : FIRST_CHECK_WAIT_MS
    await settledWithin(this.options.timers, this.ended, waitMs)
    this.isBackground = true
  }

  /** Resolves when everything is checked. Rejects when the gateway stops. */
  end(): Promise<void> {
    return this.ended
  }

  /** The files, as far as their checks have come. */
  get loaded(): LoadedDocuments {
    return loadedOf(this.files)
  }

  /** Files that are configured and of which no version is at hand. */
  get absent(): Set<string> {
    return new Set(this.files.flatMap(({ entry, document }) => (document === undefined ? [entry.file] : [])))
  }

  get unfinished(): UnfinishedDocument[] {
    return [
      ...this.files.flatMap(({ entry, isUnchecked, document }) =>
        isUnchecked ? [{ name: entry.file, kept: document !== undefined }] : [],
      ),
      ...this.registered.map((document) => ({ name: labelOf(document), kept: false })),
    ]
  }

  private async run(): Promise<void> {
    for (const [index, state] of this.files.entries()) {
      if (!state.isUnchecked) continue
      this.files[index] = await this.options.checkFile(state)
      if (this.isBackground) this.options.onFileChecked()
    }
    for (const document of this.registered) {
      const error = await this.options.checkRegistered(document)
      this.registered = this.registered.filter((one) => one !== document)
      if (error !== undefined) this.wrong.push({ file: labelOf(document), kept: false, errors: [error] })
    }
  }
}

export function labelOf({ name, version }: RegisteredDocument): string {
  return `${name}@${version}`
}
