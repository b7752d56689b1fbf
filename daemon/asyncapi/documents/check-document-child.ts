/** Entry of the child process that checks one document, answers, and ends. Nothing of this file runs in the daemon. */
import { text } from 'node:stream/consumers'
import { messageOf } from '../../core/errors.ts'
import { toPlainErrors, type CheckAnswer } from './check-answer.ts'
import { checkDocument, type CheckRequest } from './check-document.ts'

process.once('message', (message) => {
  void answerTo(message).then((answer) => process.send?.(answer, () => process.disconnect()))
})

async function answerTo(message: unknown): Promise<CheckAnswer> {
  if (!isRequest(message)) return { failure: 'the request is not one' }
  try {
    return { contract: await checkDocument({ ...message, text: await text(process.stdin) }) }
  } catch (error) {
    const errors = toPlainErrors(error)
    return errors === undefined ? { failure: messageOf(error) } : { errors }
  }
}

function isRequest(value: unknown): value is CheckRequest {
  return typeof value === 'object' && value !== null && 'mode' in value
}
