import { fork, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { extractContract } from '../../../daemon/asyncapi/documents/extract/extract-contract.ts'
import { loadDocument } from '../../../daemon/asyncapi/documents/load-document.ts'
import { readSource } from '../../../daemon/asyncapi/documents/source/read-source.ts'
import { EdgeError } from '../../../daemon/core/errors.ts'
import { FakeTime } from '../../../daemon/core/timers.ts'
import { mutator } from './mutate-text.ts'

const documents = new URL('../fixtures/', import.meta.url)
const texts = readdirSync(documents)
  .filter((name) => /^v\d/.test(name))
  .map((name) => readFileSync(new URL(name, documents), 'utf8'))
const demo = readFileSync(new URL('../../../config/demo-asyncapi.yaml', import.meta.url), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'asyncapi-'))
/** Buffers lie outside of V8's heap, which has a bound of its own. */
const HOARDER = 'const all = []; setInterval(() => all.push(Buffer.alloc(2 ** 26, 1)), 10)'
const ANSWERS_AT_SIGNAL =
  'process.on("message", (text) => text === "answer" && process.send({ contract: { title: "Patience" } }, () => process.disconnect()))'
afterAll(() => rmSync(folder, { recursive: true }))

describe('hostile documents', () => {
  it('500 mutated documents (seed 7) each end in a contract or an EdgeError', () => {
    const mutate = mutator(7)
    for (let count = 0; count < 500; count++) {
      const text = mutate(texts[count % texts.length] ?? '')
      try {
        extractContract(readSource(text))
      } catch (error) {
        if (!(error instanceof EdgeError) || error.code === 'internal')
          throw new Error(`not refused properly:\n${text}`, { cause: error })
      }
    }
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})

describe('the child process', () => {
  it('loads a document without costing the parent memory', async () => {
    const before = process.memoryUsage().rss
    const contract = await loadDocument({ text: demo, file: 'demo.yaml', mode: 'strict' })
    expect(contract.channels).toHaveLength(1)
    expect(process.memoryUsage().rss - before).toBeLessThan(40 * 2 ** 20)
  })

  it('lists every error with its place in strict mode, and accepts the rest in lenient mode', async () => {
    const text = demo.replace('version: 1.0.0', 'version: 1').replace('title: Reading of a device', 'title: 5')
    await expect(loadDocument({ text, file: 'd.yaml', mode: 'strict' })).rejects.toMatchObject({
      code: 'document-invalid',
      errors: expect.arrayContaining([
        expect.objectContaining({ place: expect.objectContaining({ file: 'd.yaml', line: expect.any(Number) }) }),
      ]),
    })
    const contract = await loadDocument({ text, mode: 'lenient' })
    expect(contract).toMatchObject({
      version: '1',
      diagnostics: expect.arrayContaining([expect.objectContaining({ severity: 'error' })]),
    })
  })

  it.each([
    ['that computes for ever', 'for (;;);', 'document-limit'],
    ['that fills its memory', HOARDER, 'document-limit'],
    ['that crashes', 'process.on("message", () => process.abort())', 'document-check-failed'],
    ['that ends at once', '', 'document-check-failed'],
    ['that answers nonsense', 'process.on("message", () => process.send(5))', 'document-check-failed'],
  ])('a child process %s fails only its own check', async (name, script, code) => {
    await expect(
      loadDocument({ text: demo, mode: 'strict' }, { spawn: checkerOf(name, script), cpuMs: 3_000 }),
    ).rejects.toMatchObject({ code })
  })

  it('that gets no processor for an hour is waited for', async () => {
    const time = new FakeTime()
    let child: ChildProcess | undefined
    const loaded = loadDocument(
      { text: demo, mode: 'strict' },
      {
        spawn: () => (child = checkerOf('patient', ANSWERS_AT_SIGNAL)()),
        timers: time,
        usage: () => ({ cpuMs: 100, residentBytes: 1 }),
      },
    )
    await time.pass(3_600_000)
    child?.stdin?.end()
    child?.send('answer')
    expect(await loaded).toEqual({ title: 'Patience' })
    expect(time.pending).toBe(0)
  })

  it('is killed when the caller goes, and the promise rejects with the reason', async () => {
    const caller = new AbortController()
    let child: ChildProcess | undefined
    const loaded = loadDocument(
      { text: demo, mode: 'strict' },
      { spawn: () => (child = checkerOf('abandoned', 'for (;;);')()), signal: caller.signal },
    )
    const reason = new EdgeError('cancelled', 'gone')
    caller.abort(reason)
    await expect(loaded).rejects.toBe(reason)
    expect(child?.killed).toBe(true)
  })

  function checkerOf(name: string, script: string): () => ChildProcess {
    const file = join(folder, `${name.replaceAll(' ', '-')}.cjs`)
    writeFileSync(file, script)
    return () => fork(file, [], { stdio: ['pipe', 'ignore', 'ignore', 'ipc'], execArgv: [] })
  }
})
