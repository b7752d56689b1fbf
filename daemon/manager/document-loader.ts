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

/** Checked contracts and last good versions, kept in the store between starts. */
export interface DocumentCache {
  contract(hash: string): string | undefined
  lastGood(file: string): string | undefined
  remember(hash: string, contract: string): void
  rememberFile(file: string, hash: string): void
}

/** A document in force that comes from a file. */
export interface FileDocument extends ActiveDocument {
  file: string
  mode: DocumentMode
  /** Undefined where the file does not load and its last good version is used. */
  text: string | undefined
  /** Key of its contract in the cache. */
  hash: string
}

export type DocumentMode = AsyncapiEntry['mode']

export interface LoadedDocuments {
  documents: FileDocument[]
  /** Documents that did not load. `kept`: the last good version is in force. */
  failures: { file: string; kept: boolean; errors: EdgeError[] }[]
}

/** Part of the cache key; raised when extraction changes, so that older cached contracts are not used. */
const CONTRACT_FORMAT = 2

/** `inSpareTime`: devices are served meanwhile, and come first. */
export type Checking = Pick<LoadOptions, 'inSpareTime' | 'cpuMs' | 'signal'>

/** What is known of one document file. `isUnchecked`: its text has not been checked yet; the last good version is used if there is one. */
export interface FileState {
  entry: AsyncapiEntry
  isUnchecked: boolean
  document?: FileDocument
  errors?: EdgeError[]
}

/** Loads documents from files. A text that was checked before comes from the cache, without parser and child process. */
export async function loadDocuments(
  entries: readonly AsyncapiEntry[],
  cache: DocumentCache,
  checking: Checking = {},
): Promise<LoadedDocuments> {
  const states: FileState[] = []
  for (const entry of entries) states.push(await loadFile(entry, cache, checking))
  return loadedOf(states)
}

/** Loads what can be had without checking. */
export function readFileState(entry: AsyncapiEntry, cache: DocumentCache): FileState {
  try {
    const text = readDocumentFile(entry.file)
    const hash = hashOf({ text, mode: entry.mode })
    const known = cache.contract(hash)
    if (known !== undefined) return goodState(entry, cache, text, { contract: contractFromJson(known), hash })
    return { ...lastGoodState(entry, cache), isUnchecked: true }
  } catch (error) {
    return { ...lastGoodState(entry, cache), errors: errorsOf(error, entry.file) }
  }
}

/** Loads one file, and checks it where its text is not in the cache. Rejects only with the reason of `checking.signal`. */
export async function loadFile(
  entry: AsyncapiEntry,
  cache: DocumentCache,
  checking: Checking = {},
): Promise<FileState> {
  try {
    const text = readDocumentFile(entry.file)
    return goodState(entry, cache, text, await loadText({ ...entry, text }, cache, checking))
  } catch (error) {
    checking.signal?.throwIfAborted()
    return { ...lastGoodState(entry, cache), errors: errorsOf(error, entry.file) }
  }
}

export function loadedOf(states: readonly FileState[]): LoadedDocuments {
  return {
    documents: states.flatMap(({ document }) => document ?? []),
    failures: states.flatMap(({ entry: { file }, document, errors }) =>
      errors === undefined ? [] : [{ file, kept: document !== undefined, errors }],
    ),
  }
}

function goodState(
  entry: AsyncapiEntry,
  cache: DocumentCache,
  text: string,
  { contract, hash }: { contract: Contract; hash: string },
): FileState {
  const { file, mode } = entry
  if (cache.lastGood(file) !== hash) cache.rememberFile(file, hash)
  return { entry, isUnchecked: false, document: { ...named(entry, contract), file, mode, text, hash } }
}

function lastGoodState(entry: AsyncapiEntry, cache: DocumentCache): FileState {
  const { file, mode } = entry
  const last = lastGood(entry, cache)
  if (last === undefined) return { entry, isUnchecked: false }
  return {
    entry,
    isUnchecked: false,
    document: { ...named(entry, last.contract), file, mode, text: undefined, hash: last.hash },
  }
}

function hashOf({ text, mode }: { text: string; mode: DocumentMode }): string {
  return createHash('sha256').update(`${CONTRACT_FORMAT} ${mode}\n`).update(text).digest('hex')
}

/** The contract of a text, from the cache or from the checking process, which fills the cache. Throws as loadDocument does. */
export async function loadText(
  input: { text: string; mode: DocumentMode; file?: string },
  cache: Pick<DocumentCache, 'contract' | 'remember'>,
  checking: Checking = {},
): Promise<{ contract: Contract; hash: string }> {
  const { text, mode, file } = input
  const hash = hashOf(input)
  const known = cache.contract(hash)
  if (known !== undefined) return { contract: contractFromJson(known), hash }
  const contract = await check(file === undefined ? { text, mode } : { text, mode, file }, checking)
  // Deserialising the contract has blocked the event loop.
  if (checking.inSpareTime === true) await turn()
  cache.remember(hash, JSON.stringify(contract))
  return { contract: shareMessages(contract), hash }
}

/** Checks once more, at normal priority, when the checking process died or was starved: that says nothing about the document. */
async function check(input: DocumentInput, checking: Checking): Promise<Contract> {
  try {
    return await loadDocument(input, checking)
  } catch (error) {
    if (!(error instanceof EdgeError) || error.code !== 'document-check-failed') throw error
    return loadDocument(input, { ...checking, inSpareTime: false })
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

/** Flattens DocumentErrors; other failures become `document-check-failed`. */
export function errorsOf(error: unknown, file: string): EdgeError[] {
  if (error instanceof EdgeError)
    return 'errors' in error && Array.isArray(error.errors) ? (error.errors as EdgeError[]) : [error]
  return [new EdgeError('document-check-failed', messageOf(error), { cause: error, place: { file } })]
}
