import { execFileSync } from 'node:child_process'
import { constants, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadDocument } from '../../../daemon/asyncapi/documents/load-document.ts'
import { readSource } from '../../../daemon/asyncapi/documents/source/read-source.ts'
import { EdgeError, systemCode } from '../../../daemon/core/errors.ts'
import { HOSTILE_TEXTS } from './hostile-texts.ts'
import { mutator } from './mutate-text.ts'
import { REFERENCE_PLACES } from './reference-places.ts'

/** Processor time of one check here; the default is larger, for machines that are slow. */
const CPU_MS = 5_000
/** Tenfold, as others may use the processor meanwhile. */
const DEADLINE_MS = 50_000
const MAX_GROWTH = 20 * 2 ** 20

const documents = new URL('../fixtures/', import.meta.url)
const texts = readdirSync(documents)
  .filter((name) => /^v\d/.test(name))
  .map((name) => readFileSync(new URL(name, documents), 'utf8'))

/** Row 33: hostile documents harm nothing but the child process. */
describe('a hostile document in the child process', () => {
  let before = 0
  beforeAll(async () => {
    await loadDocument({ text: texts[0] ?? '', mode: 'lenient' })
    before = process.memoryUsage().rss
  })

  async function survive(text: string, mode: 'strict' | 'lenient'): Promise<void> {
    const from = performance.now()
    try {
      await loadDocument({ text, mode }, { cpuMs: CPU_MS })
    } catch (error) {
      if (!(error instanceof EdgeError) || error.code === 'internal') throw error
    }
    expect(performance.now() - from).toBeLessThan(DEADLINE_MS)
    expect(process.memoryUsage().rss - before).toBeLessThan(MAX_GROWTH)
  }

  it.each(Object.entries(HOSTILE_TEXTS))(
    '%s ends within 5 s of processor time and costs the parent no memory',
    async (_name, make) => {
      await survive(make(), 'lenient')
    },
    2 * DEADLINE_MS,
  )

  it('25 mutated documents (seed 33) each end in a contract or an EdgeError', async () => {
    const mutate = mutator(33)
    for (let count = 0; count < 25; count++) {
      await survive(mutate(texts[count % texts.length] ?? ''), count % 2 === 0 ? 'lenient' : 'strict')
    }
  }, 300_000)
})

/** Row 34: a reference that leaves the document is refused before it is followed, in every place. */
describe('references that leave the document', () => {
  const folder = mkdtempSync(join(tmpdir(), 'references-'))
  const pipe = join(folder, 'pipe.yaml')
  let connections = 0
  let server: Server
  let kinds: string[] = []

  beforeAll(async () => {
    // The pipe has no writer, so opening it to read would hang.
    execFileSync('mkfifo', [pipe])
    server = createServer((request, response) => {
      if (request.url === '/redirect') response.writeHead(302, { location: '/a.json' }).end()
      else response.end('{}')
    }).on('connection', () => connections++)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    kinds = [
      `http://${host}/a.json`,
      `http://${host}/redirect#/x`,
      `HTTP://${host}/a.json`,
      `//${host}/a.json`,
      `file://${pipe}`,
      pipe,
      `${pipe}#/a`,
      './pipe.yaml',
      'pipe.yaml#/a',
      '../pipe.yaml',
      '#',
      '?a',
      'urn:example:a',
    ]
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true })
    await new Promise((done) => server.close(done))
  })

  const places = Object.entries(REFERENCE_PLACES)

  it.each(places)('in %s are refused with their place', (_name, make) => {
    for (const kind of kinds) {
      expect(() => readSource(make(`{ $ref: '${kind}' }`), join(folder, 'a.yaml'))).toThrow(
        expect.objectContaining({
          code: 'document-reference',
          place: expect.objectContaining({ field: expect.stringMatching(/\/\$ref$/) }),
        }),
      )
    }
  })

  it('cause no connection and open no file in the child process', async () => {
    for (const [index, [name, make]] of places.entries()) {
      const text = make(`{ $ref: '${kinds[index % kinds.length]}' }`)
      const isExample = name.endsWith('an example')
      const mode = isExample || index % 2 === 0 ? 'lenient' : 'strict'
      const loaded = loadDocument({ text, file: join(folder, 'a.yaml'), mode })
      if (!isExample) await expect(loaded).rejects.toMatchObject({ code: 'document-reference' })
      else
        expect((await loaded).diagnostics).toContainEqual(
          expect.objectContaining({ message: expect.stringContaining('leaves the document') }),
        )
    }
    // A `$ref` of another type is no reference to the parser, either.
    for (const value of [`[ '${kinds[0]}' ]`, `{ $ref: [ '${kinds[0]}' ] }`, '5']) {
      const text = REFERENCE_PLACES['a payload']?.(`{ $ref: ${value} }`) ?? ''
      await loadDocument({ text, mode: 'lenient' })
    }
    expect(connections).toBe(0)
    // ENXIO: the pipe has no reader, so the child process has not opened it.
    expect(() => openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK)).toThrow(
      expect.toSatisfy((error) => systemCode(error) === 'ENXIO'),
    )
  }, 120_000)
})
