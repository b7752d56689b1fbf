import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { expandDocuments } from '../../../daemon/settings/loading/expand-documents.ts'
import { loadSettings } from '../../../daemon/settings/loading/load-settings.ts'
import { accepted, base, configFolder, loadText } from '../config-folder.ts'

function expand(asyncapi: string, folderName = 'etc'): string[] {
  const root = configFolder({
    [`${folderName}/edge.yaml`]: `asyncapi: ${asyncapi}\n`,
    [`${folderName}/specs/b.yaml`]: '',
    [`${folderName}/specs/a.yaml`]: '',
    [`${folderName}/specs/c.json`]: '',
    [`${folderName}/plain[1].yaml`]: '',
  })
  const folder = join(root, folderName)
  const { settings } = accepted(loadSettings({ ...base, file: join(folder, 'edge.yaml') }))
  return expandDocuments(settings).map(({ file, mode }) => `${file.slice(folder.length + 1)} ${mode}`)
}

test('a pattern names the files that are there, in the order of their names', () => {
  expect(expand('[ specs/*.yaml ]')).toEqual(['specs/a.yaml lenient', 'specs/b.yaml lenient'])
})

test('a pattern without a match names nothing', () => {
  expect(expand('[ none/*.yaml ]')).toEqual([])
})

test('of a folder that is no longer there, the files are those that are known', () => {
  const settings = accepted(loadText('asyncapi: [ "specs/*.yaml" ]\n')).settings
  const folder = dirname(settings.asyncapi[0]?.file ?? '')
  const known = ['b.yaml', 'a.yaml', 'c.json'].map((name) => join(folder, name))
  expect(expandDocuments(settings, [...known, '/else/d.yaml']).map(({ file }) => file)).toEqual([
    join(folder, 'a.yaml'),
    join(folder, 'b.yaml'),
  ])
})

test('a folder that cannot be read is represented by its pattern', () => {
  expect(expand('[ "specs/a.yaml/*.yaml" ]')).toEqual(['specs/a.yaml/*.yaml lenient'])
  expect(expand('[ "specs/a.yaml/*.yaml" ]', 'etc[a]')).toHaveLength(1)
})

test('a file that is named stays, though it is missing', () => {
  expect(expand('[ missing.yaml ]')).toEqual(['missing.yaml lenient'])
})

test('a file is taken once, as it was first named', () => {
  expect(expand('[ { file: specs/b.yaml, mode: strict }, "specs/*" ]')).toEqual([
    'specs/b.yaml strict',
    'specs/a.yaml lenient',
    'specs/c.json lenient',
  ])
})

test('a file may be called like a pattern', () => {
  expect(expand('[ "plain[1].yaml" ]')).toEqual(['plain[1].yaml lenient'])
})

test('the folder of the configuration may be called like a pattern', () => {
  expect(expand('[ specs/*.yaml, specs/c.json ]', 'etc[a]')).toEqual([
    'specs/a.yaml lenient',
    'specs/b.yaml lenient',
    'specs/c.json lenient',
  ])
})
