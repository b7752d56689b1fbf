import { EdgeError } from '../../core/errors.ts'
import type { Contract, Diagnostic } from '../contract/contract.ts'
import { extractContract } from './extract/extract-contract.ts'
import { parserVerdict } from './parser-verdict.ts'
import { DocumentErrors } from './source/document-errors.ts'
import { readSource, type Source } from './source/read-source.ts'

export interface DocumentInput {
  text: string
  /** Named in the places of errors; the file is not read. */
  file?: string
  /** `strict` refuses a document with any error; `lenient` accepts it as long as channels and messages can be understood. */
  mode: 'strict' | 'lenient'
}

/** The request to the child process; the text is sent separately, on standard input. */
export type CheckRequest = Omit<DocumentInput, 'text'>

const SEVERITIES = ['error', 'warning', 'information', 'hint']
const MAX_DIAGNOSTICS = 500
/** The daemon parses the contract on the thread that serves devices. */
const MAX_CONTRACT_BYTES = 8 * 1024 * 1024
const LENIENT_HINT = 'Correct the document at the places listed, or set mode: lenient, which accepts it.'

/**
 * Makes the contract of a document's text, with its diagnostics; for the child process. Throws DocumentErrors. If lenient
 * mode would accept the document, their hint says so.
 */
export async function checkDocument(input: DocumentInput): Promise<Contract> {
  const source = readSource(input.text, input.file, input.mode)
  const found = await findingsOf(source)
  const contract = extractFor(input, source, found)
  const diagnostics = [...found, ...contract.diagnostics]
    .sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity))
    .slice(0, MAX_DIAGNOSTICS)
  const checked = { ...contract, diagnostics }
  if (JSON.stringify(checked).length > MAX_CONTRACT_BYTES) {
    const message = `The contract of the document has more than ${MAX_CONTRACT_BYTES} bytes.`
    throw new DocumentErrors([new EdgeError('document-limit', message, { place: source.placeOf('') })])
  }
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error')
  if (input.mode === 'lenient' || errors.length === 0) return checked
  throw new DocumentErrors(toErrors(errors, source, input.file, { hint: LENIENT_HINT }))
}

/** References without a target, and the parser's diagnostics of other places. */
async function findingsOf(source: Source): Promise<Diagnostic[]> {
  const faulty = source.faulty.map(({ message, pointer }): Diagnostic => {
    const { line, column } = source.placeOf(pointer)
    const at = line === undefined || column === undefined ? {} : { line, column }
    return { severity: 'error', message, pointer, ...at }
  })
  const reported = new Set(faulty.map(({ pointer }) => pointer))
  const verdict = await parserVerdict(source)
  return [...faulty, ...verdict.filter(({ pointer }) => !reported.has(pointer))]
}

/** Extracts the contract. On errors that refuse the document in any mode, adds the parser's errors after them. */
function extractFor(input: DocumentInput, source: Source, found: readonly Diagnostic[]): Contract {
  try {
    return extractContract(source)
  } catch (error) {
    if (!(error instanceof DocumentErrors) || input.mode === 'lenient') throw error
    const errors = found.filter((diagnostic) => diagnostic.severity === 'error')
    throw new DocumentErrors([...error.errors, ...toErrors(errors, source, input.file, {})])
  }
}

function toErrors(
  diagnostics: readonly Diagnostic[],
  source: Source,
  file: string | undefined,
  options: { hint?: string },
): EdgeError[] {
  const faulty = new Set(source.faulty.map(({ pointer }) => pointer))
  return diagnostics.map(({ message, pointer }) => {
    const place = { ...(file === undefined ? {} : { file }), ...source.placeOf(pointer) }
    const code = faulty.has(pointer) ? 'document-reference' : 'document-invalid'
    return new EdgeError(code, message, { place, ...options })
  })
}
