import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, extname } from 'node:path'
import type { Contract } from '../asyncapi/contract.ts'
import { loadDocument } from '../asyncapi/load-document.ts'
import { EdgeError, messageOf, systemCode } from '../core/errors.ts'
import type { AsyncapiEntry } from '../settings/asyncapi-settings.ts'
import type { ActiveDocument } from './catalogue.ts'

/** What is kept of documents between two starts. */
export interface DocumentCache {
  contract(hash: string): string | undefined
  lastGood(file: string): string | undefined
  remember(hash: string, contract: string): void
  rememberFile(file: string, hash: string): void
}

export interface LoadedDocuments {
  documents: ActiveDocument[]
  /** Documents that did not load; where `kept`, their last good version is in force. */
  failures: { file: string; kept: boolean; errors: EdgeError[] }[]
}

/** Goes up when the extraction gives something else for the same document: cached contracts of before are not used. */
const CONTRACT_FORMAT = 1

/** Loads documents from files, from the cache where the same text was checked before: then neither parser nor child process is needed. */
export async function loadDocuments(entries: readonly AsyncapiEntry[], cache: DocumentCache): Promise<LoadedDocuments> {
  const documents: ActiveDocument[] = []
  const failures: LoadedDocuments['failures'] = []
  for (const entry of entries) {
    try {
      documents.push(named(entry, await loadOne(entry, cache)))
    } catch (error) {
      const last = lastGood(entry, cache)
      if (last !== undefined) documents.push(named(entry, last))
      failures.push({ file: entry.file, kept: last !== undefined, errors: errorsOf(error, entry.file) })
    }
  }
  return { documents, failures }
}

async function loadOne(entry: AsyncapiEntry, cache: DocumentCache): Promise<Contract> {
  const text = read(entry.file)
  const hash = createHash('sha256').update(`${CONTRACT_FORMAT} ${entry.mode}\n`).update(text).digest('hex')
  const known = cache.contract(hash)
  if (known !== undefined) {
    if (cache.lastGood(entry.file) !== hash) cache.rememberFile(entry.file, hash)
    return JSON.parse(known) as Contract
  }
  const contract = await check(entry, text)
  cache.remember(hash, JSON.stringify(contract))
  cache.rememberFile(entry.file, hash)
  return contract
}

/** A checking process that was killed has said nothing about the document: another one is asked. */
async function check({ file, mode }: AsyncapiEntry, text: string): Promise<Contract> {
  try {
    return await loadDocument({ text, file, mode })
  } catch (error) {
    if (!(error instanceof EdgeError) || error.code !== 'document-check-failed') throw error
    return loadDocument({ text, file, mode })
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new EdgeError('document-unreadable', `cannot be read: ${systemCode(error) ?? messageOf(error)}`, {
      cause: error,
      place: { file },
    })
  }
}

function lastGood(entry: AsyncapiEntry, cache: DocumentCache): Contract | undefined {
  const hash = cache.lastGood(entry.file)
  const body = hash === undefined ? undefined : cache.contract(hash)
  return body === undefined ? undefined : (JSON.parse(body) as Contract)
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
