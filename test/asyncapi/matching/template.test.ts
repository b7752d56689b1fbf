import { describe, expect, it } from 'vitest'
import { compileTemplate } from '../../../daemon/asyncapi/matching/template.ts'

const input = {
  parameters: { deviceId: 'd1', 'device id': 'd2' },
  payload: () => ({ sensor: { id: 7, on: true, tags: ['a'] }, 'a/b': 'slash', none: null }),
  headers: { region: 'eu' },
}

describe('templates', () => {
  it.each([
    ['plain.topic', 'plain.topic'],
    ['{deviceId}', 'd1'],
    ['x.{deviceId}.y', 'x.d1.y'],
    ['{device id}', 'd2'],
    ['{$message.payload#/sensor/id}', '7'],
    ['$message.payload#/sensor/id', '7'],
    ['{$message.payload#/a~1b}', 'slash'],
    ['{$message.payload#/sensor/on}-{$message.header#/region}', 'true-eu'],
    ['{$message.payload#/sensor/tags/0}', 'a'],
    ['{$message.payload#/sensor}', undefined],
    ['{$message.payload#/none}', undefined],
    ['{$message.payload#/__proto__/x}', undefined],
    ['{missing}', undefined],
    ['{toString}', undefined],
    ['', ''],
  ])('%s renders %s', (text, expected) => {
    expect(compileTemplate(text).render(input)).toBe(expected)
  })

  it.each([
    '{',
    '}',
    'a{b',
    '{}',
    '{a/b}',
    '{$message.body#/x}',
    '{$message.header#}',
    '{$message.payload#/a~2}',
    '$message.payload#/a b{c}',
  ])('refuses %s', (text) => {
    expect(() => compileTemplate(text)).toThrow(/The template/)
  })

  it('knows whether it needs the payload, the message, or nothing', () => {
    expect(compileTemplate('a')).toMatchObject({ isConstant: true, needsPayload: false })
    expect(compileTemplate('{a}.{b}')).toMatchObject({ isConstant: false, needsPayload: false, parameters: ['a', 'b'] })
    expect(compileTemplate('{$message.payload#/x}')).toMatchObject({ needsPayload: true, usesMessage: true })
    expect(compileTemplate('{$message.header#/x}')).toMatchObject({ needsPayload: false, usesMessage: true })
  })
})
