/** The thread that holds the one writing connection. It takes a batch, commits it, answers its number, takes the next. */
import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '../../core/errors.ts'
import { isCorrupt } from '../sqlite.ts'
import { WriterLoop } from './writer-loop.ts'
import type { FromWriter, ToWriter, WriterThreadData } from './writer-messages.ts'

const port = parentPort
if (port === null) throw new Error('the writer runs as a worker thread')
const answer = (message: FromWriter): void => port.postMessage(message)
try {
  const loop = new WriterLoop(workerData as WriterThreadData, answer)
  port.on('message', (message: ToWriter) => {
    if (loop.receive(message)) port.close()
  })
} catch (error) {
  // Another writer would meet the same damage; anything else it may not.
  if (!isCorrupt(error)) throw error
  answer({ type: 'fatal', message: messageOf(error), corrupt: true })
}
