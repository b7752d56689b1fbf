/** The thread that holds the one writing connection. It takes a batch, commits it, answers its number, takes the next. */
import { parentPort, workerData } from 'node:worker_threads'
import { WriterLoop } from './writer-loop.ts'
import type { ToWriter, WriterThreadData } from './writer-messages.ts'

const port = parentPort
if (port === null) throw new Error('the writer runs as a worker thread')
const loop = new WriterLoop(workerData as WriterThreadData, (message) => port.postMessage(message))
port.on('message', (message: ToWriter) => {
  if (loop.receive(message)) port.close()
})
