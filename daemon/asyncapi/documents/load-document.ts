import { fork, type ChildProcess } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { EdgeError, messageOf, type Place } from '../../core/errors.ts'
import { systemTimers, type Timer, type Timers } from '../../core/timers.ts'
import { lowerPriority } from '../../platform/lower-priority.ts'
import { siblingModule } from '../../platform/module-url.ts'
import { processUsage } from '../../platform/process-usage.ts'
import { endSpareTime, nodeInSpareTime } from '../../platform/spare-time.ts'
import type { Contract } from '../contract/contract.ts'
import { fromPlainErrors, isCheckAnswer, type CheckAnswer } from './check-answer.ts'
import type { CheckRequest, DocumentInput } from './check-document.ts'
import { checkSize } from './source/parse-text.ts'

export interface LoadOptions {
  /** Starts the child process. */
  spawn?: (inSpareTime: boolean) => ChildProcess
  /** Processor time that the child process may take. Waiting for a processor is no part of it. */
  cpuMs?: number
  /** Reads what the child process has used. */
  usage?: typeof processUsage
  timers?: Timers
  /** Kills the child process; the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** For use while devices are served: during the first seconds the child process gets idle processor time only. */
  inSpareTime?: boolean
}

export const DEFAULT_CHECK_CPU_MS = 60_000
const LOOK_MS = 250
/** After this time the child process competes for processor time at low priority. */
const SPARE_TIME_MS = 3_000
/** Of V8's heap; what lies outside of it, such as the text, comes on top. */
const HEAP_MB = 512
const MEMORY_MB = 768
const NICENESS = 10

/**
 * Checks a document and resolves to its contract. Reading, extraction and the official parser run in a child process, so
 * that a hostile document can slow down, fill or crash only that process. Its processor time and memory are bounded, never the
 * time until it answers: on a busy machine it waits. Rejects with DocumentErrors (each error with its place), or EdgeError
 * `document-limit` (too large, or too much work) or `document-check-failed`.
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
  const { spawn = forkChecker, timers = systemTimers, signal, inSpareTime = false } = options
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const child = spawn(inSpareTime)
    const running: Timer[] = []
    const settle = (): void => {
      for (const timer of running) timer.cancel()
      signal?.removeEventListener('abort', abort)
    }
    const kill = (reason: Error): void => {
      settle()
      child.kill('SIGKILL')
      reject(reason)
    }
    const abort = (): void => kill(reasonOf(signal))
    const fail = (why: string, cause?: unknown): void =>
      kill(new EdgeError('document-check-failed', `The document could not be checked: ${why}`, { cause, place }))
    const look = (): void => {
      const exceeded = exceededLimit(child, options)
      if (exceeded !== undefined)
        kill(new EdgeError('document-limit', `Checking the document took more than ${exceeded}.`, { place }))
    }
    const raisePriority = async (): Promise<void> => {
      if (child.pid !== undefined && !(await endSpareTime(child.pid))) fail('other processes left it no processor time')
    }
    running.push(timers.every(LOOK_MS, look))
    if (inSpareTime) running.push(timers.after(SPARE_TIME_MS, () => void raisePriority()))
    signal?.addEventListener('abort', abort)
    child.once('message', (message) => {
      if (!isCheckAnswer(message)) return fail('the checking process gave no answer')
      settle()
      resolve(message)
    })
    child.once('error', (error) => fail(messageOf(error), error))
    child.once('exit', (code, signalName) => {
      const why = `the checking process ended with ${signalName ?? code ?? 'no status'}`
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

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason
  return reason instanceof Error ? reason : new EdgeError('cancelled', 'The check was given up.')
}

/** The limit that the child process has exceeded, in words. */
function exceededLimit({ pid }: ChildProcess, options: LoadOptions): string | undefined {
  const { cpuMs = DEFAULT_CHECK_CPU_MS, usage = processUsage } = options
  const used = pid === undefined ? undefined : usage(pid)
  if (used === undefined) return undefined
  if (used.cpuMs > cpuMs) return `${cpuMs} ms of processor time (checkCpu)`
  return used.residentBytes > MEMORY_MB * 1024 ** 2 ? `${MEMORY_MB} MiB of memory` : undefined
}

function forkChecker(inSpareTime: boolean): ChildProcess {
  const compiled = getCompileCacheDir()
  const memory = `--max-old-space-size=${HEAP_MB}`
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
