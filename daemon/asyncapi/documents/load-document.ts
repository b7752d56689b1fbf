import { fork, type ChildProcess } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { EdgeError, messageOf, type Place } from '../../core/errors.ts'
import { lowerPriority } from '../../platform/lower-priority.ts'
import { siblingModule } from '../../platform/module-url.ts'
import { endSpareTime, nodeInSpareTime } from '../../platform/spare-time.ts'
import type { Contract } from '../contract/contract.ts'
import { isCheckAnswer, type CheckAnswer } from './check-answer.ts'
import type { CheckRequest, DocumentInput } from './check-document.ts'
import { fromPlainErrors } from './document-errors.ts'
import { checkSize } from './source/read-source.ts'

export interface LoadOptions {
  /** Starts the checking process. */
  spawn?: (inSpareTime: boolean) => ChildProcess
  /** Milliseconds until it is killed. */
  timeoutMs?: number
  /** Devices are being served: for the first seconds it has only the processor time that nobody else wants. */
  inSpareTime?: boolean
}

const TIMEOUT_MS = 10_000
/** How long others may keep it waiting. */
const SPARE_TIME_MS = 3_000
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
  const { spawn = forkChecker, timeoutMs = TIMEOUT_MS, inSpareTime = false } = options
  return new Promise((resolve, reject) => {
    const child = spawn(inSpareTime)
    const timers = [
      setTimeout(() => {
        child.kill('SIGKILL')
        reject(new EdgeError('document-limit', `Checking the document took longer than ${timeoutMs} ms.`, { place }))
      }, timeoutMs),
    ]
    const settled = (): void => {
      for (const timer of timers) clearTimeout(timer)
    }
    const fail = (why: string, cause?: unknown): void => {
      settled()
      child.kill('SIGKILL')
      reject(new EdgeError('document-check-failed', `The document could not be checked: ${why}`, { cause, place }))
    }
    const giveTime = async (): Promise<void> => {
      if (child.pid !== undefined && !(await endSpareTime(child.pid))) fail('others left it no processor time')
    }
    if (inSpareTime) timers.push(setTimeout(() => void giveTime(), SPARE_TIME_MS))
    child.once('message', (message) => {
      settled()
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

function forkChecker(inSpareTime: boolean): ChildProcess {
  const compiled = getCompileCacheDir()
  const memory = `--max-old-space-size=${MEMORY_MB}`
  // Its helper threads would take the other processor as well, and save it little.
  const command = inSpareTime ? nodeInSpareTime([memory, '--single-threaded']) : undefined
  const child = fork(fileURLToPath(siblingModule(import.meta.url, './check-document-child')), [], {
    ...(command ?? { execPath: process.execPath, execArgv: [memory] }),
    // A document's text needs none of the daemon's secrets.
    env: compiled === undefined ? {} : { NODE_COMPILE_CACHE: compiled },
    serialization: 'json',
    stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
  })
  // Devices come first: it takes a whole processor for a second.
  if (child.pid !== undefined) lowerPriority(child.pid, NICENESS)
  return child
}
