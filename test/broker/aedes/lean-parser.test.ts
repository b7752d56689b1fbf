import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const LEAN = new URL('../../../daemon/broker/aedes/lean-parser.ts', import.meta.url).href
const PROGRAM = `
  import { leanParser } from ${JSON.stringify(LEAN)}
  import { createRequire } from 'node:module'
  const require = createRequire(${JSON.stringify(import.meta.url)})
  const debug = require('debug')
  if (process.env.DEBUG === undefined) debug.enable('*')
  leanParser().on('packet', ({ cmd }) => console.log(cmd)).parse(Buffer.from([0xc0, 0]))
  debug('another')('is heard')
`

function run(env: Readonly<Record<string, string>>): { stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    env,
    encoding: 'utf8',
  })
}

describe('reading and writing MQTT packets', () => {
  test('prints no debug output unless it was asked for at the start, and other modules keep theirs', () => {
    const { stdout, stderr } = run({})
    expect(stdout).toBe('pingreq\n')
    expect(stderr).toContain('another is heard')
    expect(stderr).not.toContain('mqtt-packet')
  })

  test('keeps no buffers for numbers', async () => {
    await import('../../../daemon/broker/aedes/lean-parser.ts')
    // The one that Aedes has.
    const ofAedes = createRequire(createRequire(import.meta.url).resolve('aedes'))
    const { generate } = ofAedes('mqtt-packet') as { generate: (packet: object) => Buffer }
    const { cache } = createRequire(ofAedes.resolve('mqtt-packet'))('./numbers') as { cache: object }
    expect(generate({ cmd: 'puback', messageId: 4_660 })).toEqual(Buffer.from([0x40, 2, 0x12, 0x34]))
    expect(Object.keys(cache)).toEqual([])
  })

  test('prints debug output where DEBUG asks for it', () => {
    const { stdout, stderr } = run({ DEBUG: 'mqtt-packet:*' })
    expect(stdout).toBe('pingreq\n')
    expect(stderr).toContain('mqtt-packet:parser')
  })
})
