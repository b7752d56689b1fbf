/**
 * Builds `dist/` for the package: JavaScript and declarations, since Node strips no types under node_modules.
 * What the daemon reads by a path relative to its own files is copied to the same place beside them.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

function isAsset(path: string): boolean {
  return statSync(path).isDirectory() || !path.endsWith('.ts')
}

rmSync(dist, { recursive: true, force: true })
execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', join(root, 'scripts/tsconfig.pack.json')], {
  stdio: 'inherit',
})
cpSync(join(root, 'daemon'), join(dist, 'daemon'), { recursive: true, filter: isAsset })
cpSync(join(root, 'config'), join(dist, 'config'), { recursive: true })
cpSync(join(root, 'package.json'), join(dist, 'package.json'))
