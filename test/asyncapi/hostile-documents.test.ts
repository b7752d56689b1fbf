import { execFileSync, fork, type ChildProcess } from 'node:child_process'
import { constants, openSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { EdgeError, systemCode } from '../../daemon/core/errors.ts'
import { extractContract } from '../../daemon/asyncapi/extract-contract.ts'
import { loadDocument } from '../../daemon/asyncapi/load-document.ts'
import { readSource } from '../../daemon/asyncapi/read-source.ts'

const documents = new URL('./documents/', import.meta.url)
const texts = readdirSync(documents)
  .filter((name) => /^v\d/.test(name))
  .map((name) => readFileSync(new URL(name, documents), 'utf8'))
const demo = readFileSync(new URL('../../config/demo-asyncapi.yaml', import.meta.url), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'asyncapi-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Small and repeatable; the seed is in the test's name. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function mutate(text: string, random: () => number): string {
  const at = Math.floor(random() * text.length)
  const length = Math.floor(random() * 12)
  const pieces = [
    '',
    '[',
    '}',
    ': ',
    '\n  ',
    '*a',
    '&a ',
    '$ref: ',
    "'#/components'",
    'null',
    '{}',
    '- ',
    '1e999',
    '__proto__: ',
    text.slice(at, at + 40),
  ]
  return text.slice(0, at) + (pieces[Math.floor(random() * pieces.length)] ?? '') + text.slice(at + length)
}

describe('hostile documents', () => {
  it('500 mutated documents (seed 7) end in a contract or in an error of ours', () => {
    const random = randomOf(7)
    for (let count = 0; count < 500; count++) {
      let text = texts[count % texts.length] ?? ''
      for (let times = 1 + Math.floor(random() * 3); times > 0; times--) text = mutate(text, random)
      try {
        extractContract(readSource(text))
      } catch (error) {
        if (!(error instanceof EdgeError) || error.code === 'internal')
          throw new Error(`not refused properly:\n${text}`, { cause: error })
      }
    }
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  it('outside references are refused: 0 connections, 0 opens', async () => {
    let connections = 0
    const server = createServer((_request, response) => response.end('{}')).on('connection', () => connections++)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    const pipe = join(folder, 'pipe.yaml')
    execFileSync('mkfifo', [pipe])
    for (const reference of [
      `http://127.0.0.1:${port}/a.json`,
      `http://127.0.0.1:${port}/redirect#/x`,
      pipe,
      `file://${pipe}`,
      './pipe.yaml',
    ]) {
      const text = demo.replace("'#/components/messages/DeviceData'", `'${reference}'`)
      for (const mode of ['strict', 'lenient'] as const) {
        await expect(loadDocument({ text, file: join(folder, 'a.yaml'), mode })).rejects.toMatchObject({
          code: 'document-reference',
        })
      }
    }
    expect(connections).toBe(0)
    // Without a reader a pipe cannot be opened for writing: nobody has it open, and opening it would have hung.
    expect(() => openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK)).toThrow(
      expect.toSatisfy((error) => systemCode(error) === 'ENXIO'),
    )
    await new Promise((done) => server.close(done))
  }, 120_000)
})

describe('the checking process', () => {
  it('loads a document and leaves the memory with the process that ends', async () => {
    const before = process.memoryUsage().rss
    const contract = await loadDocument({ text: demo, file: 'demo.yaml', mode: 'strict' })
    expect(contract.channels).toHaveLength(1)
    expect(process.memoryUsage().rss - before).toBeLessThan(40 * 2 ** 20)
  })

  it('strict lists every error with its place; lenient takes what can be understood', async () => {
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
    ['that never answers', 'setInterval(() => {}, 1000)', 'document-limit'],
    ['that crashes', 'process.on("message", () => process.abort())', 'document-check-failed'],
    ['that ends at once', '', 'document-check-failed'],
    ['that answers nonsense', 'process.on("message", () => process.send(5))', 'document-check-failed'],
  ])('%s is survived', async (name, script, code) => {
    await expect(
      loadDocument({ text: demo, mode: 'strict' }, { spawn: checkerOf(name, script), timeoutMs: 3_000 }),
    ).rejects.toMatchObject({ code })
  })

  function checkerOf(name: string, script: string): () => ChildProcess {
    const file = join(folder, `${name.replaceAll(' ', '-')}.cjs`)
    writeFileSync(file, script)
    return () => fork(file, [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] })
  }
})
