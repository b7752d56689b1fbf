import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MessagePort } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { EdgeError } from '../../../daemon/core/errors.ts'
import { silentLogger } from '../../../daemon/core/logger.ts'
import { LogStore, type LogStoreOptions } from '../../../daemon/store/log/log-store.ts'
import type { ToForwarder } from '../../../daemon/store/log/writer-messages.ts'
import { startWriterThread } from '../../../daemon/store/log/writer-port.ts'
import { temporaryFolder, type TemporaryFolder } from '../../servers/temporary-folder.ts'
import { waitUntil } from '../../servers/wait-until.ts'
import { cursorRow, MiB, openOptions, recordInput, settlement, streamOp } from '../store-fixture.ts'

const MAX_BYTES = 24 * MiB

let folder: TemporaryFolder
let store: LogStore
let port: MessagePort
let fatal: EdgeError[]
let asked: ToForwarder[]

beforeEach(() => {
  folder = temporaryFolder('log-store')
  fatal = []
  asked = []
})
afterEach(async () => {
  await store.close(2_000)
  folder.remove()
})

function start(whenFull: LogStoreOptions['whenFull'] = 'reject', startWriter = startWriterThread): void {
  store = new LogStore({
    ...openOptions(folder.path, { maxBytes: MAX_BYTES }),
    limits: { maxBytes: MAX_BYTES, historyMaxAgeMs: Infinity, historyMaxBytes: MiB },
    whenFull,
    startWriter,
    logger: silentLogger,
    onWriter: (connected) => {
      port = connected
      port.on('message', (message: ToForwarder) => asked.push(message))
      port.unref()
    },
    onFatal: (error) => fatal.push(error),
  })
  store.start()
  store.log.put(streamOp(1, ['out']))
}

/** Resolves to the sequence number. */
function append(bytes = 200_000): Promise<number> {
  return new Promise((resolve, reject) => {
    const seq = store.log.append(1, recordInput(new Uint8Array(bytes)), (error) =>
      error === null ? resolve(seq ?? 0) : reject(error),
    )
  })
}

test('a writer that takes the place of one that died has the limits of now', async () => {
  const limits: number[] = []
  let end: (() => void) | undefined
  start('reject', (data, events) => {
    limits.push(data.maxBytes)
    end = () => events.onEnd()
    return startWriterThread(data, events)
  })
  store.setLimits({ maxBytes: 2 * MAX_BYTES, historyMaxAgeMs: Infinity, historyMaxBytes: MiB }, 'reject')
  end?.()
  await waitUntil(
    () => 'another writer is started',
    () => limits.length === 2,
  )
  expect(limits).toEqual([MAX_BYTES, 2 * MAX_BYTES])
})

test('a full store asks destinations to give up messages, and continues when they have', async () => {
  start('drop-oldest')
  let last = 0
  let waits = append()
  let hadRoomAgain = false
  const filling = (async () => {
    for (let count = 0; count < 200; count++) {
      last = await waits
      // Checked at each message, because the store is soon full again.
      if (asked.length > 0 && store.full === undefined) hadRoomAgain = true
      waits = append()
    }
  })()
  await waitUntil(
    () => 'room is asked for',
    () => asked.some((message) => message.type === 'give-up'),
  )
  expect(store.full).toContain('maxBytes')
  expect(asked.find((message) => message.type === 'give-up')).toMatchObject({ required: true })
  const before = last
  await sleep(300)
  expect(last).toBe(before)
  // Asked once, not at every attempt: destinations would give up more than is needed.
  expect(asked.filter((message) => message.type === 'give-up')).toHaveLength(1)
  port.postMessage({ type: 'settlement', settlement: settlement(1, cursorRow('out', last)) })
  await waitUntil(
    () => 'it goes on',
    () => last > before + 5,
  )
  expect(asked).toContainEqual({ type: 'settled', number: 1 })
  const settling = setInterval(
    () => port.postMessage({ type: 'settlement', settlement: settlement(2, cursorRow('out', last)) }),
    20,
  )
  await filling
  await waits
  clearInterval(settling)
  expect(hadRoomAgain).toBe(true)
})

test('drop-newest acknowledges and counts the messages that it drops, and keeps the operations beside them', async () => {
  start('drop-newest')
  let stored = 0
  while (store.droppedNewest === 0) stored = await append()
  store.log.put({ type: 'plan', row: { id: 7, body: 'plan' } })
  const dropped = await append()
  expect(store.droppedNewest).toBeGreaterThanOrEqual(2)
  expect(dropped).toBeGreaterThan(stored)
  expect(store.full).toBeDefined()
  port.postMessage({ type: 'settlement', settlement: settlement(1, cursorRow('out', dropped)) })
  await waitUntil(
    () => 'it is no longer full',
    () => store.full === undefined,
  )
  const before = store.droppedNewest
  await append()
  expect(store.droppedNewest).toBe(before)
})

test('reject keeps the message waiting until there is room', async () => {
  start('reject')
  let answered = 0
  for (let count = 0; count < 200 && store.full === undefined; count++) {
    await Promise.race([append().then(() => answered++), sleep(500)])
  }
  expect(store.full).toBeDefined()
  expect(asked.find((message) => message.type === 'give-up')).toMatchObject({ required: false })
  const waiting = append()
  port.postMessage({ type: 'settlement', settlement: settlement(1, cursorRow('out', answered)) })
  await waiting
})

test('a living writer answers that it is alive', async () => {
  start()
  expect(await store.alive(5_000)).toBe(true)
})

test('every commit raises the signal', async () => {
  start()
  const signal = new Int32Array(store.signal)
  const before = Atomics.load(signal, 0)
  await append(10)
  await append(10)
  expect(Atomics.load(signal, 0)).toBeGreaterThanOrEqual(before + 1)
})

test('settlements of a forwarder that replaces another are stored', async () => {
  start()
  await append(10)
  const next = store.connectForwarder()
  const answers: ToForwarder[] = []
  next.on('message', (message: ToForwarder) => answers.push(message))
  next.postMessage({ type: 'settlement', settlement: settlement(4, cursorRow('out', 2)) })
  await waitUntil(
    () => 'it is confirmed',
    () => answers.length > 1,
  )
  expect(answers).toEqual([{ type: 'ready' }, { type: 'settled', number: 4 }])
  next.close()
})

test('damage that a reader reports ends the process once, and has the next start check the database', async () => {
  start()
  await append(10)
  store.reportDamage('block 1')
  store.reportDamage('block 1')
  expect(fatal).toMatchObject([{ code: 'store-failed' }])
  expect(existsSync(join(folder.path, 'check-requested'))).toBe(true)
})
