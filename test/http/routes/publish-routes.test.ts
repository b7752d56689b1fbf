import { beforeEach, describe, expect, test } from 'vitest'
import { EdgeError } from '../../../daemon/core/errors.ts'
import { MessageRefused } from '../../../daemon/core/refusal.ts'
import { publishRoutes } from '../../../daemon/http/routes/publish-routes.ts'
import type { PublishPort } from '../../../daemon/operations/publishing.ts'
import { asking } from '../ask.ts'

let asked: unknown[][]
let failure: Error | undefined
const port: PublishPort = {
  publish(...args) {
    asked.push(args)
    return failure === undefined ? Promise.resolve({ id: 'gw:s:1', topic: 'a/1' }) : Promise.reject(failure)
  },
  validate(request) {
    asked.push([request])
    return {
      valid: false,
      topic: 'a/1',
      document: 'd@1',
      channel: 'one',
      message: null,
      destinations: [],
      code: 'payload-invalid',
      errors: [{ pointer: '/v', keyword: 'type', expected: 'number', actual: 'string' }],
    }
  },
}
const ask = asking(publishRoutes(port))
beforeEach(() => {
  asked = []
  failure = undefined
})

describe('publishing', () => {
  test.each([
    [{ payload: { v: 1 } }, { payload: { v: 1 } }],
    [{ message_data: { v: 1 } }, { payload: { v: 1 } }],
    [{ payload: null }, { payload: null }],
    [{ payloadBase64: 'AAEC' }, { payloadBase64: 'AAEC' }],
  ])('takes %j', async (content, given) => {
    const answer = await ask('POST', '/messages/publish', { channel_id: 'one', ...content })
    expect(answer).toMatchObject({ status: 202, body: { id: 'gw:s:1', topic: 'a/1' } })
    expect(asked).toEqual([[{ channel_id: 'one', ...given }, { name: 'local', admin: true }, undefined]])
  })

  test.each([
    [{}, 'payload'],
    [{ payload: 1, message_data: 1 }, 'payload'],
    [{ payloadBase64: 'no base64!' }, '/payloadBase64'],
    [{ payload: 1, headers: { a: 1 } }, '/headers/a'],
    [{ payload: 1, qos: 1 }, '/qos'],
  ])('%j is 400 and names the field', async (content, field) => {
    const answer = await ask('POST', '/messages/publish', { channel_id: 'one', ...content })
    expect(answer).toMatchObject({ status: 400, body: { field } })
    expect(asked).toEqual([])
  })

  test('answers 422 with the errors for a message that its channel refuses', async () => {
    const violation = { pointer: '/v', keyword: 'type', expected: 'number', actual: 'string' }
    failure = new MessageRefused('payload-invalid', [violation], 'd@1', 'Reading')
    const answer = await ask('POST', '/messages/publish', { channel_id: 'one', payload: { v: 'x' } })
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'payload-invalid', errors: [violation], document: 'd@1', message: 'Reading' },
    })
  })

  test.each([
    ['store-full', 503],
    ['not-found', 404],
    ['idempotency-conflict', 422],
    ['message-too-large', 413],
  ] as const)('%s is %i', async (code, status) => {
    failure = new EdgeError(code, 'for a reason')
    const answer = await ask('POST', '/messages/publish', { channel_id: 'one', payload: 1 })
    expect(answer).toMatchObject({ status, body: { code } })
    expect(answer.headers['retry-after']).toBe(status === 503 ? '5' : undefined)
  })
})

test('validating returns what would happen, by topic or by channel', async () => {
  const answer = await ask('POST', '/messages/validate', { topic: 'a/1', payload: { v: 'x' } })
  expect(answer).toMatchObject({
    status: 200,
    body: { valid: false, code: 'payload-invalid', errors: [{ pointer: '/v' }] },
  })
  expect(asked).toEqual([[{ topic: 'a/1', payload: { v: 'x' } }]])
})
