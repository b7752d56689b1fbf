import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const PARSER = new URL('../../daemon/cli/parse-command.ts', import.meta.url)

/** Files that are loaded with a file: its static imports, without those of types. */
function loadedWith(file: URL, loaded = new Set<string>()): Set<string> {
  if (loaded.has(file.href)) return loaded
  loaded.add(file.href)
  const text = readFileSync(file, 'utf8')
  for (const [, path] of text.matchAll(/^import (?!type )[^']*'(\.[^']+)'$/gm))
    loadedWith(new URL(path ?? '', file), loaded)
  return loaded
}

test('--version and --help load the command line only, not the daemon', () => {
  const files = [...loadedWith(PARSER)].map((href) => href.replace(/^.*\/daemon\//, ''))
  expect(files.sort()).toEqual([
    'cli/client-commands.ts',
    'cli/exit-codes.ts',
    'cli/parse-command.ts',
    'platform/version.ts',
  ])
})

test('the daemon itself is started without the parser', () => {
  const files = [...loadedWith(new URL('../../daemon/cli/program.ts', import.meta.url))]
  expect(files.map((href) => href.replace(/^.*\/daemon\//, ''))).toEqual(['cli/program.ts'])
})
