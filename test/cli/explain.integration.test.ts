import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { temporaryFolder } from '../servers/temporary-folder.ts'

const ROOT = join(import.meta.dirname, '../..')
const folder = temporaryFolder('explain')
afterAll(() => folder.remove())

const DOCUMENT = {
  asyncapi: '3.0.0',
  info: { title: 'Plant', version: '1.0.0' },
  servers: { lost: { host: 'lost.example', protocol: 'kafka', 'x-bridge': { role: 'upstream' } } },
  channels: {
    lost: {
      address: 'plant.lost',
      servers: [{ $ref: '#/servers/lost' }],
      messages: { Lost: { payload: { type: 'object' } } },
    },
  },
}
writeFileSync(join(folder.path, 'plant.json'), JSON.stringify(DOCUMENT))

function explain(upstreams: object): string {
  const config = join(folder.path, 'edge.yaml')
  writeFileSync(config, JSON.stringify({ asyncapi: ['./plant.json'], upstreams }))
  const args = [join(ROOT, 'daemon/main.ts'), 'explain', 'plant.lost', '{}', '-c', config]
  // eslint-disable-next-line node/no-process-env -- tools are found by the path that the tests have
  const { PATH = '', HOME = '' } = process.env
  return spawnSync(join(ROOT, 'node_modules/.bin/node'), args, { encoding: 'utf8', env: { PATH, HOME } }).stdout
}

test('explain names a channel of other servers only, and says whether a message on it would reach one of them', () => {
  expect(explain({})).toContain('upstream-missing')
  const configured = explain({ lost: { protocol: 'file', directory: './journal' } })
  expect(configured).toContain('plant.lost of Plant@1.0.0')
  expect(configured).not.toContain('upstream-missing')
})
