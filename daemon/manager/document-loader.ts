import { createHash } from 'node:crypto'
import { basename, extname } from 'node:path'
import type { Contract } from '../asyncapi/contract/contract.ts'
import { contractFromJson, shareMessages } from '../asyncapi/contract/share-messages.ts'
import type { DocumentInput } from '../asyncapi/documents/check-document.ts'
import { loadDocument, type LoadOptions } from '../asyncapi/documents/load-document.ts'
import { readDocumentFile } from '../asyncapi/documents/read-document-file.ts'
import { EdgeError, messageOf } from '../core/errors.ts'
import { turn } from '../core/turn.ts'
import type { AsyncapiEntry } from '../settings/sections/asyncapi-settings.ts'
import type { ActiveDocument } from '../verdict/compiled-document.ts'

/** What is kept of documents between two starts. */
export interface DocumentCache {
  contract(hash: string): string | undefined
  lastGood(file: string): string | undefined
  remember(hash: string, contract: string): void
  rememberFile(file: string, hash: string): void
}

/** A document of a file, as it is in force. */
export interface FileDocument extends ActiveDocument {
  file: string
  mode: DocumentMode
  /** undefined: the file does not load, and this is its last good version. */
  text: string | undefined
  /** Under which its contract is remembered. */
  hash: string
}

export type DocumentMode = AsyncapiEntry['mode']

export interface LoadedDocuments {
  documents: FileDocument[]
  /** Documents that did not load; where `kept`, their last good version is in force. */
  failures: { file: string; kept: boolean; errors: EdgeError[] }[]
}

/** Goes up when the extraction gives something else for the same document: cached contracts of before are not used. */
const CONTRACT_FORMAT = 2

/** Whether devices are being served meanwhile. */
export type Checking = Pick<LoadOptions, 'inSpareTime'>

/** Loads documents from files, from the cache where the same text was checked before: then neither parser nor child process is needed. */
export async function loadDocuments(
  entries: readonly AsyncapiEntry[],
  cache: DocumentCache,
  checking: Checking = {},
): Promise<LoadedDocuments> {
  const documents: FileDocument[] = []
  const failures: LoadedDocuments['failures'] = []
  for (const entry of entries) {
    try {
      const text = readDocumentFile(entry.file)
      const { contract, hash } = await loadText({ ...entry, text }, cache, checking)
      if (cache.lastGood(entry.file) !== hash) cache.rememberFile(entry.file, hash)
      documents.push({ ...named(entry, contract), file: entry.file, mode: entry.mode, text, hash })
    } catch (error) {
      const last = lastGood(entry, cache)
      if (last !== undefined) {
        const { contract, hash } = last
        documents.push({ ...named(entry, contract), file: entry.file, mode: entry.mode, text: undefined, hash })
      }
      failures.push({ file: entry.file, kept: last !== undefined, errors: errorsOf(error, entry.file) })
    }
  }
  return { documents, failures }
}

/** The contract of a text: remembered from an earlier start, or made by the checking process and remembered. Throws as loadDocument does. */
export async function loadText(
  input: { text: string; mode: DocumentMode; file?: string },
  cache: Pick<DocumentCache, 'contract' | 'remember'>,
  checking: Checking = {},
): Promise<{ contract: Contract; hash: string }> {
  const { text, mode, file } = input
  const hash = createHash('sha256').update(`${CONTRACT_FORMAT} ${mode}\n`).update(text).digest('hex')
  const known = cache.contract(hash)
  if (known !== undefined) return { contract: contractFromJson(known), hash }
  const contract = await check(file === undefined ? { text, mode } : { text, mode, file }, checking)
  // Reading the answer took its time.
  if (checking.inSpareTime === true) await turn()
  cache.remember(hash, JSON.stringify(contract))
  return { contract: shareMessages(contract), hash }
}

/** A checking process that was killed, or got no time, has said nothing about the document: another one is asked, in the time of all. */
async function check(input: DocumentInput, checking: Checking): Promise<Contract> {
  try {
    return await loadDocument(input, checking)
  } catch (error) {
    if (!(error instanceof EdgeError) || error.code !== 'document-check-failed') throw error
    return loadDocument(input)
  }
}

function lastGood(entry: AsyncapiEntry, cache: DocumentCache): { contract: Contract; hash: string } | undefined {
  const hash = cache.lastGood(entry.file)
  const body = hash === undefined ? undefined : cache.contract(hash)
  return hash === undefined || body === undefined ? undefined : { contract: contractFromJson(body), hash }
}

function named(entry: AsyncapiEntry, contract: Contract): ActiveDocument {
  const fileName = basename(entry.file, extname(entry.file))
  return {
    name: entry.name ?? (contract.title === '' ? fileName : contract.title),
    version: contract.version,
    contract,
  }
}

/** All that is wrong, one error a place. */
export function errorsOf(error: unknown, file: string): EdgeError[] {
  if (error instanceof EdgeError)
    return 'errors' in error && Array.isArray(error.errors) ? (error.errors as EdgeError[]) : [error]
  return [new EdgeError('document-check-failed', messageOf(error), { cause: error, place: { file } })]
}
