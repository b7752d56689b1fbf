import { fork, type ChildProcess } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import { fileURLToPath } from 'node:url'
import { EdgeError, messageOf, type Place } from '../core/errors.ts'
import { lowerPriority } from '../platform/lower-priority.ts'
import { siblingModule } from '../platform/module-url.ts'
import { isCheckAnswer, type CheckAnswer } from './check-answer.ts'
import type { Contract } from './contract.ts'
import type { CheckRequest, DocumentInput } from './check-document.ts'
import { fromPlainErrors } from './document-errors.ts'
import { checkSize } from './read-source.ts'

export interface LoadOptions {
  /** Starts the checking process. */
  spawn?: () => ChildProcess
  /** Milliseconds until it is killed. */
  timeoutMs?: number
}

const TIMEOUT_MS = 10_000
const MEMORY_MB = 512
const NICENESS = 10

/**
 * The contract of a document. Reading, extraction and the official parser run in a process of their own, which a hostile
 * document may slow down, fill up or crash without the daemon noticing. Rejects with DocumentErrors (what is wrong with
 * the document, with places) or EdgeError `document-limit` (too large, too slow) or `document-check-failed`.
 */
export async function loadDocument(input: DocumentInput, options: LoadOptions = {}): Promise<Contract> {
  const place: Place = input.file === undefined ? {} : { file: input.file }
  checkSize(input.text, place)
  const answer = await ask(input, options, place)
  if ('contract' in answer) return answer.contract
  if ('errors' in answer) throw fromPlainErrors(answer.errors)
  throw new EdgeError('document-check-failed', `The document could not be checked: ${answer.failure}`, { place })
}

function ask(input: DocumentInput, options: LoadOptions, place: Place): Promise<CheckAnswer> {
  const { spawn = forkChecker, timeoutMs = TIMEOUT_MS } = options
  return new Promise((resolve, reject) => {
    const child = spawn()
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new EdgeError('document-limit', `Checking the document took longer than ${timeoutMs} ms.`, { place }))
    }, timeoutMs)
    const fail = (why: string, cause?: unknown): void => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      reject(new EdgeError('document-check-failed', `The document could not be checked: ${why}`, { cause, place }))
    }
    child.once('message', (message) => {
      clearTimeout(timer)
      if (isCheckAnswer(message)) resolve(message)
      else fail('the checking process gave no answer')
    })
    child.once('error', (error) => fail(messageOf(error), error))
    child.once('exit', (code, signal) => {
      const why = `the checking process ended with ${signal ?? code ?? 'no status'}`
      // Its answer may still be on the way.
      if (child.connected) child.once('disconnect', () => fail(why))
      else fail(why)
    })
    const { text, ...request } = input
    child.send(request satisfies CheckRequest, (error) => {
      if (error !== null) fail(messageOf(error), error)
    })
    // As bytes: in the JSON of a message it would be copied twice.
    child.stdin?.on('error', (error) => fail(messageOf(error), error)).end(text)
  })
}

function forkChecker(): ChildProcess {
  const compiled = getCompileCacheDir()
  const child = fork(fileURLToPath(siblingModule(import.meta.url, './check-document-child')), [], {
    execArgv: [`--max-old-space-size=${MEMORY_MB}`],
    // A document's text needs none of the daemon's secrets.
    env: compiled === undefined ? {} : { NODE_COMPILE_CACHE: compiled },
    serialization: 'json',
    stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
  })
  // Devices come first: it takes a whole processor for a second.
  if (child.pid !== undefined) lowerPriority(child.pid, NICENESS)
  return child
}
