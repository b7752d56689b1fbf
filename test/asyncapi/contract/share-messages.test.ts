import { expect, test } from 'vitest'
import type { Contract } from '../../../daemon/asyncapi/contract/contract.ts'
import { shareMessages } from '../../../daemon/asyncapi/contract/share-messages.ts'
import { extractContract } from '../../../daemon/asyncapi/documents/extract/extract-contract.ts'
import { readSource } from '../../../daemon/asyncapi/documents/source/read-source.ts'

const DOCUMENT = {
  asyncapi: '3.0.0',
  info: { title: 'Plant', version: '1.0.0' },
  channels: {
    a: { address: 'a', messages: { one: { $ref: '#/components/messages/one' } } },
    b: {
      address: 'b',
      messages: {
        one: { $ref: '#/components/messages/one' },
        other: { payload: { type: 'object', properties: { t: { type: 'string' } } } },
      },
    },
    // Almost equal.
    c: { address: 'c', messages: { one: { payload: { type: 'object', properties: { t: { type: 'string' } } } } } },
  },
  components: { messages: { one: { payload: { type: 'object', properties: { t: { type: 'number' } } } } } },
}

test('equal messages become one object, and nothing else changes', () => {
  const contract = extractContract(readSource(JSON.stringify(DOCUMENT)))
  const text = JSON.stringify(contract)
  const shared = shareMessages(JSON.parse(text) as Contract)
  expect(JSON.stringify(shared)).toBe(text)
  const [a, b, c] = shared.channels
  expect(a?.messages[0]).toBe(b?.messages[0])
  expect(new Set(shared.channels.flatMap(({ messages }) => messages)).size).toBe(3)
  expect(c?.messages[0]?.payload).not.toEqual(a?.messages[0]?.payload)
})
