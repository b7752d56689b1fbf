import { expect, test } from 'vitest'
import { hasForbiddenCharacter, isTopicLevel } from '../../daemon/core/topic-text.ts'

test.each(['\0', '\n', '\u001b', '\u007f', '\u0085', '\u2028', '\u2029', '\ufffd', '\ud800'])(
  'no topic may hold %j',
  (character) => expect(hasForbiddenCharacter(`a/${character}b`)).toBe(true),
)

test('letters of every script and emoji may stand in a topic', () => {
  expect(hasForbiddenCharacter('gerät/温度/😀 #+$')).toBe(false)
})

test.each(['/', '+', '#', '\0', '\u009f'])('%j may not stand within one level of a topic', (character) => {
  expect(isTopicLevel(`a${character}`)).toBe(false)
})

test('a level may hold any other character', () => {
  expect(isTopicLevel('device 1.2_ä$😀')).toBe(true)
})
