import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** The levels of the house; imports go strictly downwards. */
const LEVELS: Readonly<Record<string, number>> = {
  core: 0,
  ports: 1,
  settings: 1,
  telemetry: 1,
  platform: 1,
  asyncapi: 2,
  broker: 2,
  sensors: 2,
  protocols: 2,
  store: 2,
  access: 3,
  verdict: 3,
  ingest: 4,
  forward: 4,
  feed: 4,
  downlink: 5,
  manager: 5,
  operations: 6,
  http: 7,
  gateway: 8,
  cli: 9,
  'library.ts': 10,
  'main.ts': 10,
}
/** All that main may import of the forwarder, which runs on a thread of its own. */
const FORWARD_DOORS = ['daemon/forward/forwarder-handle.ts', 'daemon/forward/forwarder-messages.ts']
const MAX_LINES = 300

interface SourceFile {
  path: string
  text: string
  /** Without comments, so that prose is not taken for code. */
  code: string
  /** Files of the project that it imports, statically, dynamically or as types. */
  imports: string[]
}

function listFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => path.endsWith('.ts') && statSync(join(ROOT, path)).isFile())
    .filter((path) => !path.includes('/fixtures/'))
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1')
  const imports = [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]+)['"]/g)].map((match) =>
    relative(ROOT, resolve(ROOT, dirname(path), match[1] ?? '')),
  )
  return { path, text, code, imports }
}

const daemon = listFiles('daemon').map(readSource)
const everything = [...daemon, ...['scripts', 'test'].flatMap(listFiles).map(readSource)]

/** `daemon/store/log/record.ts` → `store`; `daemon/main.ts` → `main.ts`. */
function roomOf(path: string): string {
  return path.split('/')[1] ?? ''
}

describe('the house', () => {
  test('every room has its level', () => {
    expect(daemon.map((file) => roomOf(file.path)).filter((room) => LEVELS[room] === undefined)).toEqual([])
  })

  test('imports go strictly downwards, and rooms of one level never import each other', () => {
    const wrong = daemon.flatMap((file) =>
      file.imports
        .filter((target) => target.startsWith('daemon/') && roomOf(target) !== roomOf(file.path))
        .filter((target) => (LEVELS[roomOf(target)] ?? 99) >= (LEVELS[roomOf(file.path)] ?? -1))
        .map((target) => `${file.path} → ${target}`),
    )
    expect(wrong).toEqual([])
  })

  test('the daemon imports nothing from scripts, tests or examples', () => {
    const wrong = daemon.flatMap((file) =>
      file.imports
        .filter((target) => /^(scripts|test|examples)\//.test(target))
        .map((target) => `${file.path} → ${target}`),
    )
    expect(wrong).toEqual([])
  })

  test('the forwarder is entered through its handle and its messages only', () => {
    const wrong = daemon.flatMap((file) =>
      file.imports
        .filter((target) => roomOf(target) === 'forward' && roomOf(file.path) !== 'forward')
        .filter((target) => !FORWARD_DOORS.includes(target))
        .map((target) => `${file.path} → ${target}`),
    )
    expect(wrong).toEqual([])
  })

  test('only broker/aedes knows Aedes and the libraries inside it', () => {
    const users = daemon
      .filter((file) => !file.path.startsWith('daemon/broker/aedes/'))
      .filter((file) => /['"](aedes|aedes-persistence|mqtt-packet)['"/]/.test(file.code))
    expect(users.map((file) => file.path)).toEqual([])
  })

  test('there are no cycles, of types neither', () => {
    expect(findCycles(new Map(daemon.map((file) => [file.path, file.imports])))).toEqual([])
  })

  test('there are no barrels', () => {
    const barrels = daemon.filter((file) => {
      const rest = file.code.replaceAll(/export\s+(?:type\s+)?(?:\*|\{[^}]*\})[^'"\n]*from\s*['"][^'"]+['"];?/g, '')
      return file.path !== 'daemon/library.ts' && file.code.trim() !== '' && rest.trim() === ''
    })
    expect(barrels.map((file) => file.path)).toEqual([])
    expect(daemon.filter((file) => file.path.endsWith('/index.ts')).map((file) => file.path)).toEqual([])
  })

  test(`no file is over ${MAX_LINES} lines`, () => {
    const long = everything.map((file) => ({ path: file.path, lines: file.text.split('\n').length - 1 }))
    expect(long.filter(({ lines }) => lines > MAX_LINES)).toEqual([])
  })

  test('file names are kebab-case', () => {
    expect(
      everything.map((file) => file.path).filter((path) => !/^([a-z0-9]+([-.][a-z0-9]+)*\/?)+$/.test(path)),
    ).toEqual([])
  })

  test('only main.ts uses process.env and process.exit', () => {
    const users = daemon.filter((file) => /\bprocess\s*\.\s*(env\b|exit\s*\()/.test(file.code)).map((file) => file.path)
    expect(users.filter((path) => path !== 'daemon/main.ts')).toEqual([])
  })

  test('nothing is left to be done', () => {
    const marker = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`)
    expect(everything.filter((file) => marker.test(file.text)).map((file) => file.path)).toEqual([])
  })

  test('the type checker is never overruled', () => {
    const escapes = /\bas unknown as\b|:\s*any\b|\bas any\b|<any>/
    const comments = new RegExp('@ts-' + '(ignore|nocheck|expect-error)')
    expect(
      daemon.filter((file) => escapes.test(file.code) || comments.test(file.text)).map((file) => file.path),
    ).toEqual([])
  })

  test('tests mirror the folders of the daemon', () => {
    const folders = new Set(
      daemon.flatMap((file) => {
        const parts = dirname(file.path).split('/').slice(1)
        return parts.map((_part, index) => parts.slice(0, index + 1).join('/'))
      }),
    )
    const others = /^(faults|simulation|support|servers|fixtures|scripts|examples|docs|bench)(\/|$)|^$/
    const strays = listFiles('test')
      .map((path) => dirname(path).replace(/^test\/?/, ''))
      .filter((folder) => !others.test(folder) && !folders.has(folder))
    expect([...new Set(strays)]).toEqual([])
  })
})

/** Each cycle once, as the path that closes it. */
function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const cycles: string[] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (file: string): void => {
    if (done.has(file)) return
    const start = path.indexOf(file)
    if (start >= 0) {
      cycles.push([...path.slice(start), file].join(' → '))
      return
    }
    path.push(file)
    for (const target of graph.get(file) ?? []) visit(target)
    path.pop()
    done.add(file)
  }
  for (const file of graph.keys()) visit(file)
  return cycles
}
