import { expect, test } from 'vitest'
import { messageEvent, messageFrame } from '../../daemon/feed/feed-json.ts'
import { durableMessage } from './feed-input.ts'

test.each([
  ['a frame', messageFrame],
  ['an event', messageEvent],
])('%s carries the payload as its device wrote it, on one line', (_name, write) => {
  const text = write(durableMessage('gw:', 1, '{\n  "serial": 9007199254740993\n}'))
  expect(text).toContain('"payload":{   "serial": 9007199254740993 }')
  expect(text).not.toMatch(/[\r\n]/)
})

test('a payload that is no JSON goes as base64', () => {
  const text = messageFrame(durableMessage('gw:', 1, '21.5 degrees'))
  expect(JSON.parse(text)).toMatchObject({ payloadBase64: Buffer.from('21.5 degrees').toString('base64') })
})
