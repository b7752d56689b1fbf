import { expect, test } from 'vitest'
import type { Contract } from '../../daemon/asyncapi/contract/contract.ts'
import { EdgeError } from '../../daemon/core/errors.ts'
import { FakeTime } from '../../daemon/core/timers.ts'
import type { FileDocument, FileState } from '../../daemon/manager/document-loader.ts'
import { StartChecks } from '../../daemon/manager/start-checks.ts'

const HOUR_MS = 3_600_000

function documentOf(file: string): FileDocument {
  const contract: Contract = {
    specification: '3.0.0',
    title: file,
    version: '1.0.0',
    defaultContentType: 'application/json',
    perspective: 'application',
    servers: [],
    channels: [],
    securitySchemes: [],
    bridge: {},
    diagnostics: [],
  }
  return { name: file, version: '1.0.0', contract, file, mode: 'lenient', text: '', hash: file }
}

function unchecked(file: string): FileState {
  return { entry: { file, mode: 'lenient' }, isUnchecked: true }
}

/** Checks that take these times; `undefined`: the file is wrong. */
function world(files: readonly FileState[], takesMs: number, isGood = true) {
  const time = new FakeTime()
  let late = 0
  const checks = new StartChecks({
    files,
    registered: [],
    checkFile: ({ entry }) =>
      new Promise((resolve) => {
        time.after(takesMs, () =>
          resolve(
            isGood
              ? { entry, isUnchecked: false, document: documentOf(entry.file) }
              : { entry, isUnchecked: false, errors: [new EdgeError('document-invalid', 'wrong')] },
          ),
        )
      }),
    checkRegistered: () => Promise.resolve(undefined),
    onFileChecked: () => late++,
    timers: time,
  })
  return { time, checks, late: () => late }
}

test('a start waits for a check that is soon done', async () => {
  const { time, checks, late } = world([unchecked('a.yaml')], 2_000)
  const waited = checks.wait()
  await time.pass(2_000)
  await waited
  expect(checks.loaded.documents.map(({ file }) => file)).toEqual(['a.yaml'])
  expect([checks.unfinished, late()]).toEqual([[], 0])
})

test('a start goes on without a document whose check takes an hour, which is taken when the check ends', async () => {
  const { time, checks, late } = world([unchecked('a.yaml')], HOUR_MS)
  const waited = checks.wait()
  await time.pass(10_000)
  await waited
  expect(checks.loaded).toEqual({ documents: [], failures: [] })
  expect(checks.unfinished).toEqual([{ name: 'a.yaml', kept: false }])
  expect([...checks.absent]).toEqual(['a.yaml'])
  await time.pass(HOUR_MS)
  await checks.end()
  expect(checks.loaded.documents).toHaveLength(1)
  expect([checks.unfinished, late()]).toEqual([[], 1])
})

test('a start waits less for documents whose last good version is in force', async () => {
  const state = { ...unchecked('a.yaml'), document: documentOf('a.yaml') }
  const { time, checks } = world([state], HOUR_MS)
  const waited = checks.wait()
  await time.pass(3_000)
  await waited
  expect(checks.unfinished).toEqual([{ name: 'a.yaml', kept: true }])
  expect(checks.loaded.documents).toHaveLength(1)
})

test('a document that is found wrong after the start is a failure, not an end', async () => {
  const { time, checks, late } = world([unchecked('a.yaml')], HOUR_MS, false)
  const waited = checks.wait()
  await time.pass(HOUR_MS)
  await Promise.all([waited, checks.end()])
  expect(checks.loaded.failures).toMatchObject([
    { file: 'a.yaml', kept: false, errors: [{ code: 'document-invalid' }] },
  ])
  expect(late()).toBe(1)
})
