/** Entry of the process that checks one document, answers and ends. Nothing here runs in the daemon. */
import { messageOf } from '../core/errors.ts'
import { checkDocument, type DocumentInput } from './check-document.ts'
import type { CheckAnswer } from './check-answer.ts'
import { toPlainErrors } from './document-errors.ts'

process.once('message', (message) => {
  void answerTo(message).then((answer) => process.send?.(answer, () => process.disconnect()))
})

async function answerTo(message: unknown): Promise<CheckAnswer> {
  if (!isInput(message)) return { failure: 'the request is not one' }
  try {
    return { contract: await checkDocument(message) }
  } catch (error) {
    const errors = toPlainErrors(error)
    return errors === undefined ? { failure: messageOf(error) } : { errors }
  }
}

function isInput(value: unknown): value is DocumentInput {
  return (
    typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string' && 'mode' in value
  )
}
