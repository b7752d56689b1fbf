/** The thread that holds the one writing connection. It takes a batch, commits it, answers its number, takes the next. */
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../core/clock.ts'
import { systemTimers } from '../../core/timers.ts'
import { startWriterLoop } from './writer-loop.ts'
import type { ToWriter, WriterData } from './writer-messages.ts'

const port = parentPort
if (port === null) throw new Error('the writer runs as a worker thread')
const loop = startWriterLoop({
  data: workerData as WriterData,
  clock: systemClock,
  timers: systemTimers,
  answer: (message) => port.postMessage(message),
})
if (loop !== undefined)
  port.on('message', (message: ToWriter) => {
    if (loop.receive(message)) port.close()
  })
