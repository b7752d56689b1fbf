import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const SCRIPT = fileURLToPath(new URL('../../scripts/count-tests.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'count-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function count(report: unknown): { line: string; status: number | null } {
  const path = join(folder, 'report.json')
  writeFileSync(path, typeof report === 'string' ? report : JSON.stringify(report))
  const { stdout, status } = spawnSync(process.execPath, [SCRIPT, path], { encoding: 'utf8' })
  return { line: stdout, status }
}

function file(status: string, ...results: string[]) {
  return { status, assertionResults: results.map((result) => ({ status: result })) }
}

test('passed tests are counted', () => {
  const report = { testResults: [file('passed', 'passed', 'passed'), file('passed', 'passed')] }
  expect(count(report)).toEqual({ line: '3 passed, 0 failed\n', status: 0 })
})

test('one failed test fails all', () => {
  const report = { testResults: [file('failed', 'passed', 'failed')] }
  expect(count(report)).toEqual({ line: '1 passed, 1 failed\n', status: 1 })
})

test('a file that does not load counts as failed', () => {
  const report = { testResults: [file('passed', 'passed'), file('failed')] }
  expect(count(report)).toEqual({ line: '1 passed, 1 failed\n', status: 1 })
})

test('skipped tests are told', () => {
  const report = { testResults: [file('passed', 'passed', 'skipped', 'pending', 'todo')] }
  expect(count(report)).toEqual({ line: '1 passed, 0 failed, 3 skipped\n', status: 0 })
})

test.each([
  ['nothing ran', { testResults: [] }],
  ['everything was skipped', { testResults: [file('passed', 'skipped')] }],
  ['the report is cut off', '{"testRes'],
])('it is a failure when %s', (_name, report) => {
  expect(count(report).status).toBe(1)
})
