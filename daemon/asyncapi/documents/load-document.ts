import { fork, type ChildProcess } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { EdgeError, messageOf, type Place } from '../../core/errors.ts'
import { systemTimers, type Timers } from '../../core/timers.ts'
import { lowerPriority } from '../../platform/lower-priority.ts'
import { siblingModule } from '../../platform/module-url.ts'
import { endSpareTime, nodeInSpareTime } from '../../platform/spare-time.ts'
import type { Contract } from '../contract/contract.ts'
import { fromPlainErrors, isCheckAnswer, type CheckAnswer } from './check-answer.ts'
import type { CheckRequest, DocumentInput } from './check-document.ts'
import { checkSize } from './source/parse-text.ts'

export interface LoadOptions {
  /** Starts the child process. */
  spawn?: (inSpareTime: boolean) => ChildProcess
  /** Time after which the child process is killed. */
  timeoutMs?: number
  timers?: Timers
  /** For use while devices are served: during the first seconds the child process gets idle processor time only. */
  inSpareTime?: boolean
}

const TIMEOUT_MS = 10_000
/** After this time the child process competes for processor time at low priority. */
const SPARE_TIME_MS = 3_000
const MEMORY_MB = 512
const NICENESS = 10

/**
 * Checks a document and resolves to its contract. Reading, extraction and the official parser run in a child process, so
 * that a hostile document can slow down, fill or crash only that process. Rejects with DocumentErrors (each error with its
 * place), or EdgeError `document-limit` (too large or too slow) or `document-check-failed`.
 */
export async function loadDocument(input: DocumentInput, options: LoadOptions = {}): Promise<Contract> {
  const place: Place = input.file === undefined ? {} : { file: input.file }
  checkSize(input.text, place)
  const answer = await askChild(input, options, place)
  if ('contract' in answer) return answer.contract
  if ('errors' in answer) throw fromPlainErrors(answer.errors)
  throw new EdgeError('document-check-failed', `The document could not be checked: ${answer.failure}`, { place })
}

function askChild(input: DocumentInput, options: LoadOptions, place: Place): Promise<CheckAnswer> {
  const { spawn = forkChecker, timeoutMs = TIMEOUT_MS, timers = systemTimers, inSpareTime = false } = options
  return new Promise((resolve, reject) => {
    const child = spawn(inSpareTime)
    const running = [
      timers.after(timeoutMs, () => {
        child.kill('SIGKILL')
        reject(new EdgeError('document-limit', `Checking the document took longer than ${timeoutMs} ms.`, { place }))
      }),
    ]
    const cancelTimers = (): void => {
      for (const timer of running) timer.cancel()
    }
    const fail = (why: string, cause?: unknown): void => {
      cancelTimers()
      child.kill('SIGKILL')
      reject(new EdgeError('document-check-failed', `The document could not be checked: ${why}`, { cause, place }))
    }
    const raisePriority = async (): Promise<void> => {
      if (child.pid !== undefined && !(await endSpareTime(child.pid))) fail('other processes left it no processor time')
    }
    if (inSpareTime) running.push(timers.after(SPARE_TIME_MS, () => void raisePriority()))
    child.once('message', (message) => {
      cancelTimers()
      if (isCheckAnswer(message)) resolve(message)
      else fail('the checking process gave no answer')
    })
    child.once('error', (error) => fail(messageOf(error), error))
    child.once('exit', (code, signal) => {
      const why = `the checking process ended with ${signal ?? code ?? 'no status'}`
      // While the channel is open, the answer may still arrive.
      if (child.connected) child.once('disconnect', () => fail(why))
      else fail(why)
    })
    const { text, ...request } = input
    child.send(request satisfies CheckRequest, (error) => {
      if (error !== null) fail(messageOf(error), error)
    })
    // On standard input: in the JSON of an IPC message the text would be copied twice.
    child.stdin?.on('error', (error) => fail(messageOf(error), error)).end(text)
  })
}

function forkChecker(inSpareTime: boolean): ChildProcess {
  const compiled = getCompileCacheDir()
  const memory = `--max-old-space-size=${MEMORY_MB}`
  // Without helper threads, which would take the second processor and save little time.
  const command = inSpareTime ? nodeInSpareTime([memory, '--single-threaded']) : undefined
  const child = fork(fileURLToPath(siblingModule(import.meta.url, './check-document-child')), [], {
    ...(command ?? { execPath: process.execPath, execArgv: [memory] }),
    // An environment without the daemon's secrets.
    env: compiled === undefined ? {} : { NODE_COMPILE_CACHE: compiled },
    serialization: 'json',
    stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
  })
  // Devices come first: the check takes a whole processor for a second.
  if (child.pid !== undefined) lowerPriority(child.pid, NICENESS)
  return child
}
