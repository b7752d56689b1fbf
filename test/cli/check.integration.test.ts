import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { configFolder } from '../settings/config-folder.ts'
import { runCli, type CliEnded } from '../support/run-cli.ts'

const HEAD = 'asyncapi: 2.5.0\ninfo: { title: T, version: 1.0.0 }\n'
const GOOD = `${HEAD}channels: { a: { publish: { message: { name: M, payload: { type: number } } } } }\n`
const NODE = '{ type: object, properties: { next: { $ref: "#/components/schemas/Node" } } }'

/** Runs a command in a folder with these files. Returns its output and the folder. */
async function run(args: readonly string[], files: Record<string, string>): Promise<CliEnded & { folder: string }> {
  const folder = configFolder(files)
  return { ...(await runCli(args, { cwd: folder })), folder }
}

/** Expects an error with this place, message and code, and its hint below. */
function expectError(stderr: string, place: string, what: RegExp, code: string, hint: string): void {
  const line = stderr.split('\n').find((one) => one.endsWith(`[${code}]`)) ?? `no [${code}] in ${stderr}`
  expect(line).toContain(place)
  expect(line).toMatch(what)
  expect(stderr).toContain(`\n  ${hint}`)
}

describe('a broken configuration: exit code 78, with place, code and hint', () => {
  test.each<[what: string, yaml: string, place: string, message: RegExp, code: string, hint: string]>([
    [
      'a wrong type',
      'broker:\n  maxPacketSize: big\n',
      'edge.yaml:2:18',
      /expected a size/,
      'config-invalid',
      'Correct the value',
    ],
    [
      'an unknown key',
      'log:\n  levle: info\n',
      'edge.yaml:2:3',
      /did you mean "level"/,
      'config-unknown-key',
      'Remove the key',
    ],
    ['bad YAML', 'gateway: { id: [\n', 'edge.yaml:', /./, 'config-syntax', 'Correct the YAML'],
    [
      'a missing secret file',
      "upstreams:\n  k: { protocol: kafka, brokers: [ k ], sasl: { mechanism: plain, username: u, password: '${file:none}' } }\n",
      'edge.yaml:2:',
      /none/,
      'config-secret',
      'Check that the file, credential',
    ],
    [
      'a route whose template is wrong',
      "upstreams: { j: { protocol: file, directory: ./j } }\nroutes: [ { from: a, to: j, key: '{x' } ]\n",
      'edge.yaml:2:',
      /a template/,
      'config-invalid',
      'Correct the value',
    ],
  ])('%s', async (_what, yaml, place, message, code, hint) => {
    const { code: exit, stderr, stdout, folder } = await run(['check', '-c', 'edge.yaml'], { 'edge.yaml': yaml })
    expect(exit).toBe(78)
    expect(stdout).toBe('')
    expectError(stderr, place, message, code, hint)
    expect(existsSync(join(folder, 'data'))).toBe(false)
  })

  test('a missing file, and a conf.d that is not a folder', async () => {
    const missing = await run(['check', '-c', 'none.yaml'], {})
    expect(missing.code).toBe(78)
    expectError(missing.stderr, 'none.yaml', /ENOENT/, 'config-unreadable', 'Check that the file exists')
    const folder = await run(['check', '-c', 'edge.yaml'], { 'edge.yaml': '', 'conf.d': '' })
    expect(folder.code).toBe(78)
    expectError(folder.stderr, 'conf.d', /ENOTDIR/, 'config-unreadable', 'Check that the file exists')
  })

  test('run and explain refuse it in the same way, and create nothing', async () => {
    const files = { 'edge.yaml': 'store: { directory: ./data }\nlog: { level: loud }\n' }
    for (const args of [
      ['run', '-c', 'edge.yaml'],
      ['explain', 'a/b', '-c', 'edge.yaml'],
    ]) {
      const { code, stderr, folder } = await run(args, files)
      expect(code).toBe(78)
      expectError(stderr, 'edge.yaml:2:15', /expected trace/, 'config-invalid', 'Correct the value')
      expect(existsSync(join(folder, 'data'))).toBe(false)
    }
  })
})

describe('a broken document: exit code 65, with place, code and hint', () => {
  test.each<[what: string, text: string, place: string, message: RegExp, code: string, hint: string]>([
    ['bad YAML', `${HEAD}channels: { a: [\n`, 'spec.yaml:', /./, 'document-syntax', 'Correct the YAML'],
    [
      'an unknown $ref',
      `${HEAD}channels:\n  a: { publish: { message: { $ref: '#/components/messages/None' } } }\n`,
      'spec.yaml:4:',
      /leads nowhere/,
      'document-reference',
      'Correct the document at the places listed, or set mode: lenient, which accepts it.',
    ],
    [
      'an external $ref',
      `${HEAD}channels:\n  a: { publish: { message: { $ref: './other.yaml' } } }\n`,
      'spec.yaml:4:',
      /leaves the document/,
      'document-reference',
      'Only references inside',
    ],
    ['no channels', `${HEAD}channels: {}\n`, 'spec.yaml:3:', /no channels/, 'document-no-channels', 'A document needs'],
    [
      'no AsyncAPI document',
      'openapi: 3.1.0\n',
      'spec.yaml:1:1',
      /no asyncapi field/,
      'document-invalid',
      'Correct the document',
    ],
  ])('%s', async (_what, text, place, message, code, hint) => {
    const { code: exit, stderr, stdout } = await run(['check', '--strict', 'spec.yaml'], { 'spec.yaml': text })
    expect(exit).toBe(65)
    expect(stdout).toBe('')
    expectError(stderr, place, message, code, hint)
  })

  test('a missing file, and a missing folder', async () => {
    const missing = await run(['check', 'none.yaml'], {})
    expect(missing.code).toBe(65)
    expectError(missing.stderr, 'none.yaml', /ENOENT/, 'document-unreadable', 'Check that the file exists')
    const files = { 'edge.yaml': 'asyncapi: [ "specs/*.yaml" ]\n', specs: '' }
    const folder = await run(['check', '-c', 'edge.yaml'], files)
    expect(folder.code).toBe(65)
    expectError(folder.stderr, 'specs/*.yaml', /ENOTDIR/, 'document-unreadable', 'Check that the file exists')
  })

  test('a recursive schema is accepted', async () => {
    const payload = '{ $ref: "#/components/schemas/Node" }'
    const text = `${HEAD}channels: { a: { publish: { message: { name: M, payload: ${payload} } } } }\ncomponents: { schemas: { Node: ${NODE} } }\n`
    const { code, stdout } = await run(['check', 'spec.yaml'], { 'spec.yaml': text })
    expect(stdout).toContain('spec.yaml: T 1.0.0 (AsyncAPI 2.5.0), 1 channels, ok')
    expect(code).toBe(0)
  })

  test('beside a broken configuration both are reported, with the exit code of the configuration', async () => {
    const files = { 'edge.yaml': 'logg: {}\n', 'spec.yaml': `${HEAD}channels: {}\n`, 'good.yaml': GOOD }
    const { code, stderr, stdout } = await run(['check', '-c', 'edge.yaml', 'spec.yaml', 'good.yaml', '--json'], files)
    expect(code).toBe(78)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      errors: [
        { code: 'config-unknown-key', line: 1, column: 1, hint: expect.stringContaining('Remove the key') as string },
        { code: 'document-no-channels', line: 3, hint: expect.stringContaining('at least one channel') as string },
      ],
      documents: [{ title: 'T', channels: 1 }],
    })
  })
})

test('warns of a document that forwards to an unknown upstream', async () => {
  const forward = 'x-bridge: { forward: [ { to: evnts }, { to: broker }, { to: events } ] }\n'
  const files = {
    'edge.yaml': 'asyncapi: [ spec.yaml ]\nupstreams: { events: { protocol: file, directory: ./j } }\n',
    'spec.yaml': GOOD + forward,
  }
  const { code, stderr } = await run(['check', '-c', 'edge.yaml'], files)
  expect(code).toBe(0)
  expect(stderr.match(/is not in upstreams/g)).toHaveLength(1)
  expect(stderr).toMatch(/spec\.yaml warning: x-bridge forwards to "evnts", which is not in upstreams/)
})

test('warns of listeners that let no device in', async () => {
  const open = { 'edge.yaml': 'broker: { listeners: [ mqtt://0.0.0.0:1883 ] }\n' }
  const { code, stderr } = await run(['check', '-c', 'edge.yaml'], open)
  expect(code).toBe(0)
  expect(stderr).toMatch(/edge\.yaml warning: No device can connect: broker\.anonymous is false/)
  const local = await run(['check', '-c', 'edge.yaml'], {
    'edge.yaml': 'broker: { listeners: [ mqtt://[::1]:1883 ] }\n',
  })
  expect(local.stderr).not.toContain('No device can connect')
})

describe('explain', () => {
  const files = { 'edge.yaml': 'asyncapi: [ spec.yaml ]\n', 'spec.yaml': GOOD }
  test.each([
    ['no JSON', 'hello', 'payload-not-json'],
    ['nothing', '', 'payload-not-json'],
    ['10,000 deep', '['.repeat(10_000) + ']'.repeat(10_000), 'payload-too-deep'],
    ['the wrong type', '"x"', 'payload-invalid'],
  ])('says what is wrong with a payload of %s', async (_what, payload, code) => {
    const { stdout, code: exit } = await run(['explain', 'a', payload, '-c', 'edge.yaml', '--json'], files)
    expect(exit).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'invalid', code, document: 'T@1.0.0', message: 'M' })
  })

  test('reports that a device publishes on a channel for messages to devices', async () => {
    const text = `${HEAD}channels: { a: { subscribe: { message: { name: M, payload: { type: number } } } } }\n`
    const { stdout } = await run(['explain', 'a', '1', '-c', 'edge.yaml'], { ...files, 'spec.yaml': text })
    expect(stdout).toMatch(/^direction +wrong: .*delivered locally, never forwarded$/m)
  })

  test('refuses a broken document with exit code 65', async () => {
    const { code, stderr } = await run(['explain', 'a', '-c', 'edge.yaml'], { ...files, 'spec.yaml': HEAD })
    expect(code).toBe(65)
    expectError(stderr, 'spec.yaml', /no channels/, 'document-no-channels', 'A document needs')
  })
})

test.each([
  ['an unknown command', ['runn']],
  ['an unknown option', ['check', '--what']],
  ['a missing argument', ['explain']],
])('%s is a usage error: exit code 64', async (_what, args) => {
  const { code, stdout, stderr } = await run(args, {})
  expect([code, stdout]).toEqual([64, ''])
  expect(stderr).toMatch(/^error: /)
})
