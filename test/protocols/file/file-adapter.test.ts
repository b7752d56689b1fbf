import {
  appendFileSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../../../daemon/core/logger.ts'
import { FileAdapter } from '../../../daemon/protocols/file/file-adapter.ts'
import type { FileConfig } from '../../../daemon/protocols/file/file-settings.ts'
import { type TemporaryFolder, temporaryFolder } from '../../servers/temporary-folder.ts'
import { adapterSuite } from '../adapter-suite.ts'
import { outgoing, range } from '../outgoing.ts'

interface Line {
  topic: string
  payload: { n: number }
}

adapterSuite<FileConfig>('FileAdapter', () => {
  const folder = temporaryFolder('file-suite')
  let addresses = 0
  return Promise.resolve({
    create: () => new FileAdapter(),
    config: () => ({ directory: folder.path }),
    newAddress: () => Promise.resolve(`address-${(addresses += 1)}`),
    arrived: (address) =>
      Promise.resolve(
        linesOf(folder.path)
          .map((line): Line => JSON.parse(line))
          .filter(({ topic }) => topic === `device/1/${address}`)
          .map(({ payload }) => payload.n),
      ),
    deadlineMs: 5000,
    canSubscribe: false,
    stop: () => Promise.resolve(folder.remove()),
  })
})

describe('FileAdapter', () => {
  let folder: TemporaryFolder
  let adapter: FileAdapter

  beforeEach(() => {
    folder = temporaryFolder('file')
    adapter = new FileAdapter()
  })
  afterEach(async () => {
    await adapter.disconnect()
    folder.remove()
  })

  const publish = (...numbers: number[]) =>
    adapter.publish(
      null,
      numbers.map((n) => outgoing(n)),
    )
  const publishPayload = async (payload: string | Buffer) => {
    await adapter.connect({ directory: folder.path })
    await adapter.publish(null, [outgoing(1, { payload: Buffer.from(payload) })])
    return linesOf(folder.path)
  }

  test('a line holds the fields in the order of the contract', async () => {
    const [line] = await publishPayload('{"t":21.5}')
    expect(line).toBe(
      '{"id":"edge-1:a:1","topic":"device/1/readings","receivedAt":"2026-01-01T00:00:00.001Z","document":"plant@1.0.0",' +
        '"message":"Reading","parameters":{"deviceId":"1"},"headers":{"unit":"C"},"payload":{"t":21.5}}',
    )
  })

  test('the payload stays as the device wrote it: large numbers, repeated keys, digits', async () => {
    const [line] = await publishPayload('{"big":12345678901234567890,"same":1,"same":2.50,"e":1E400}')
    expect(line?.endsWith(',"payload":{"big":12345678901234567890,"same":1,"same":2.50,"e":1E400}}')).toBe(true)
  })

  test('a payload over several lines becomes one line with the same values', async () => {
    const lines = await publishPayload('{\r\n\t"text": "two\\nlines",\n\t"n": 12345678901234567890\n}\n')
    expect(lines).toHaveLength(1)
    expect(lines[0]?.endsWith(',"payload":{   "text": "two\\nlines",  "n": 12345678901234567890 } }')).toBe(true)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ payload: { text: 'two\nlines' } })
  })

  test.each([
    ['text', Buffer.from('on')],
    ['nothing', Buffer.alloc(0)],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['a byte order mark', Buffer.from('\ufeff{}')],
    ['a raw newline in a string', Buffer.from('"a\nb"')],
  ])('%s is written as base64', async (_name, payload) => {
    const [line] = await publishPayload(payload)
    expect(JSON.parse(line ?? '')).toMatchObject({ payloadBase64: payload.toString('base64') })
    expect(line).not.toContain('"payload":')
  })

  test('a torn last line is cut off at the next start', async () => {
    await adapter.connect({ directory: folder.path })
    await publish(1, 2)
    await adapter.disconnect()
    appendFileSync(lastFile(folder.path), '{"id":"edge-1:a:3","topic":"dev')
    await adapter.connect({ directory: folder.path })
    await publish(4)
    expect(numbersIn(folder.path)).toEqual([1, 2, 4])
  })

  test('a file without any whole line starts anew', async () => {
    await adapter.connect({ directory: folder.path })
    await publish(1)
    await adapter.disconnect()
    truncateSync(lastFile(folder.path), 20)
    await adapter.connect({ directory: folder.path })
    await publish(2)
    expect(numbersIn(folder.path)).toEqual([2])
  })

  test('files are rotated by size, and the oldest are deleted and counted, never the current', async () => {
    const dropped: number[] = []
    adapter.onDrop = ({ files }) => dropped.push(files)
    await adapter.connect({ directory: folder.path, rotateBytes: 2000, maxBytes: 6000 })
    for (const n of range(1, 100)) await publish(n)
    const files = journalFiles(folder.path)
    const total = files.reduce((sum, path) => sum + statSync(path).size, 0)
    expect(total).toBeLessThanOrEqual(6000)
    for (const path of files) expect(statSync(path).size).toBeLessThanOrEqual(2000)
    const kept = numbersIn(folder.path)
    expect(kept).toEqual(range(101 - kept.length, 100))
    expect(adapter.droppedFiles).toBe(dropped.reduce((sum, count) => sum + count, 0))
    expect(adapter.droppedFiles).toBeGreaterThan(5)

    await adapter.disconnect()
    await adapter.connect({ directory: folder.path, rotateBytes: 2000, maxBytes: 10 })
    await publish(...range(101, 200))
    expect(numbersIn(folder.path)).toEqual(range(101, 200))
  })

  test('a journal that was deleted or moved is begun again', async () => {
    await adapter.connect({ directory: folder.path })
    await publish(1)
    rmSync(folder.path, { recursive: true })
    expect(await publish(2)).toEqual([{ status: 'accepted' }])
    expect(numbersIn(folder.path)).toEqual([2])
  })

  test('a truncated file goes on at its end, without a hole', async () => {
    await adapter.connect({ directory: folder.path })
    await publish(1, 2, 3)
    truncateSync(lastFile(folder.path), 0)
    await publish(4, 5)
    expect(readFileSync(lastFile(folder.path))).not.toContain(0)
    expect(numbersIn(folder.path)).toEqual([4, 5])
    truncateSync(lastFile(folder.path), readFileSync(lastFile(folder.path)).indexOf(10) + 20)
    await publish(6)
    expect(numbersIn(folder.path)).toEqual([4, 6])
  })

  test.each([
    ['moved away', (path: string) => renameSync(path, join(folder.path, 'archive'))],
    ['deleted', (path: string) => unlinkSync(path)],
    [
      'replaced',
      (path: string) => {
        renameSync(path, join(folder.path, 'archive'))
        writeFileSync(path, '')
      },
    ],
  ])('after a file was %s the next one has a new number, after a restart too', async (_name, act) => {
    await adapter.connect({ directory: folder.path })
    await publish(1)
    act(lastFile(folder.path))
    expect(await publish(2)).toEqual([{ status: 'accepted' }])
    expect(basename(lastFile(folder.path))).toBe('journal-000000000002.jsonl')
    await adapter.disconnect()
    act(lastFile(folder.path))
    await adapter.connect({ directory: folder.path })
    await publish(3)
    const written = journalFiles(folder.path).filter((path) => readFileSync(path, 'utf8').includes('"n":3'))
    // A file that was put in the place of another one while nothing ran is not known from it.
    const isReplaced = _name === 'replaced'
    expect(written.map((path) => basename(path))).toEqual([`journal-00000000000${isReplaced ? 2 : 3}.jsonl`])
  })

  test('a file to which somebody else has written is not cut, and no line is torn', async () => {
    await adapter.connect({ directory: folder.path })
    await publish(1)
    const first = lastFile(folder.path)
    appendFileSync(first, 'a note without an end')
    await publish(2)
    expect(readFileSync(first, 'utf8')).toMatch(/\na note without an end$/)
    expect(readFileSync(lastFile(folder.path), 'utf8')).toMatch(/^\{.*"n":2.*\}\n$/)
  })

  test('files that people have removed are not counted as deleted for maxBytes', async () => {
    await adapter.connect({ directory: folder.path, rotateBytes: 2000, maxBytes: 6000 })
    for (const n of range(1, 10)) await publish(n)
    for (const path of journalFiles(folder.path).slice(0, -1)) unlinkSync(path)
    for (const n of range(11, 15)) await publish(n)
    expect(adapter.droppedFiles).toBe(0)
  })

  test('each deletion for maxBytes is logged with the total', async () => {
    const lines: Record<string, unknown>[] = []
    const note = (fields: object): void => void lines.push({ ...fields })
    const own = new FileAdapter({ logger: { ...silentLogger, warn: note } })
    await own.connect({ directory: folder.path, rotateBytes: 2000, maxBytes: 6000 })
    for (const n of range(1, 100)) await own.publish(null, [outgoing(n)])
    expect(lines.at(-1)).toMatchObject({ directory: folder.path, droppedFiles: own.droppedFiles })
    await own.disconnect()
  })

  test('it cannot be subscribed to', async () => {
    await expect(adapter.subscribe()).rejects.toMatchObject({ code: 'unsupported' })
  })

  test('a directory that cannot be made is a disk error', async () => {
    const file = join(folder.path, 'file')
    appendFileSync(file, '')
    await expect(adapter.connect({ directory: join(file, 'journal') })).rejects.toMatchObject({ code: 'upstream-disk' })
    expect(await publish(1)).toMatchObject([{ status: 'kept', error: { code: 'upstream-disk' } }])
  })
})

function journalFiles(directory: string): string[] {
  return readdirSync(directory)
    .toSorted()
    .map((name) => join(directory, name))
}

function lastFile(directory: string): string {
  return journalFiles(directory).at(-1) ?? ''
}

function linesOf(directory: string): string[] {
  const text = journalFiles(directory)
    .map((path) => readFileSync(path, 'utf8'))
    .join('')
  expect(text === '' || text.endsWith('\n')).toBe(true)
  return text.split('\n').slice(0, -1)
}

function numbersIn(directory: string): number[] {
  return linesOf(directory).map((line) => {
    const { payload }: Line = JSON.parse(line)
    return payload.n
  })
}
