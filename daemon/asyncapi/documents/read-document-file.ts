import { readFileSync } from 'node:fs'
import { EdgeError, messageOf, systemCode } from '../../core/errors.ts'

/** Reads the text of a document. Throws EdgeError `document-unreadable`. */
export function readDocumentFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new EdgeError('document-unreadable', `cannot be read: ${systemCode(error) ?? messageOf(error)}`, {
      cause: error,
      place: { file },
    })
  }
}
