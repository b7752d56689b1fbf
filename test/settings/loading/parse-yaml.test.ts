import { expect, test } from 'vitest'
import { complaint, loadText, places } from '../config-folder.ts'

test('a key that stands twice is a syntax error at the second', () => {
  const result = loadText('log: { level: info }\nbroker: {}\nlog: { level: debug }\n')
  expect(places(result)).toEqual(['3:1 - config-syntax'])
})

test('a tab as indentation is a syntax error at its place', () => {
  expect(places(loadText('log:\n\tlevel: info\n'))[0]).toMatch(/^2:1 - config-syntax$/)
})

test('several syntax errors are told together', () => {
  const result = loadText('log: { level: info }\nlog: {}\nstore: {}\nstore: {}\n')
  expect(places(result)).toEqual(['2:1 - config-syntax', '4:1 - config-syntax'])
})

test('an open bracket is a syntax error', () => {
  expect(places(loadText('broker: { listeners: [ mqtt://a\n'))[0]).toMatch(/config-syntax$/)
})

test('a second document in the file is refused', () => {
  expect(places(loadText('log: {}\n---\nlog: {}\n'))).toEqual(['2:1 - config-syntax'])
})

test('an unknown tag is refused', () => {
  expect(places(loadText('log: { level: !secret info }\n'))).toEqual(['1:15 - config-syntax'])
})

test('an alias is taken, and its faults stand where they are written', () => {
  const result = loadText('store: { history: &h { maxAge: 5 } }\n')
  expect(places(result)).toEqual(['1:32 store.history.maxAge config-invalid'])
  const shared = 'upstreams:\n  a: &a { protocol: file, directory: /a }\n  b: *a\n'
  expect(loadText(shared).ok).toBe(true)
})

test('an alias without its anchor is refused', () => {
  expect(places(loadText('log: *nowhere\n'))).toEqual(['1:6 log config-syntax'])
})

test('an alias bomb is refused at once', () => {
  const levels = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [ *a${i}, *a${i}, *a${i}, *a${i} ]\n`)
  const started = performance.now()
  const result = loadText(`a0: &a0 x\n${levels.join('')}`)
  expect(performance.now() - started).toBeLessThan(2000)
  expect(complaint(result)).toBe('the YAML is too large, too deep, or has too many aliases')
})

test('an alias to its own parent is refused', () => {
  expect(complaint(loadText('upstreams: &a { x: *a }\n'))).toContain('too deep')
})

test('nesting without end is refused', () => {
  expect(places(loadText(`log: ${'['.repeat(500)}${']'.repeat(500)}\n`))[0]).toMatch(/config-syntax$/)
})

test('brackets that exhaust the parser are refused, in a variable too', () => {
  const brackets = '['.repeat(100_000)
  expect(complaint(loadText(`log: ${brackets}`))).toContain('too deep')
  expect(complaint(loadText('', { env: { STEPFLOW_LOG__LEVEL: brackets } }))).toContain('too deep')
})

test('of very many syntax errors the first ones are told', () => {
  expect(places(loadText('log: {}\n'.repeat(1000)))).toHaveLength(20)
})

test('a file beyond 1 MiB is refused', () => {
  expect(places(loadText(`# ${'x'.repeat(1024 * 1024)}`))).toEqual(['-:- - config-unreadable'])
})

test('a key must be text', () => {
  expect(places(loadText('? [ a ]\n: 1\n'))).toEqual(['1:3 - config-syntax'])
  expect(places(loadText('upstreams: { 7: { protocol: x } }\n'))).toEqual(['1:29 upstreams.7.protocol config-invalid'])
})

test('a byte order mark and Windows line ends are taken', () => {
  expect(places(loadText('\uFEFFlog:\r\n  level: x\r\n'))).toEqual(['2:10 log.level config-invalid'])
})
