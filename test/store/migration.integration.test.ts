import { spawn } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openReadable } from '../../daemon/store/connection.ts'
import { MIGRATIONS, SCHEMA_VERSION, schemaVersion } from '../../daemon/store/tables/schema.ts'
import { temporaryFolder, type TemporaryFolder } from '../servers/temporary-folder.ts'
import { LATER_STEPS } from './migration-steps.ts'
import { StoreChild } from './start-store-child.ts'
import { batchOf, blocksOf, OpenLog, openOptions, streamOp } from './store-fixture.ts'

const KILLS = Number(process.env['SOAK'] ?? 0) > 0 ? 100 : 20
const BLOCKS = 4_000

let folder: TemporaryFolder

beforeEach(() => {
  folder = temporaryFolder('migration')
})
afterEach(() => folder.remove())

function runChild(directory: string, killAfterMs?: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('migration-child.ts', import.meta.url)), directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (killAfterMs !== undefined && output === 'start\n') void sleep(killAfterMs).then(() => child.kill('SIGKILL'))
    })
    child.once('error', reject)
    child.once('close', () => resolve(output))
  })
}

function inspect(directory: string): { version: number; blocks: number; notes: number } {
  const db = openReadable(directory)
  try {
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok')
    const version = schemaVersion(db)
    const { blocks } = db.prepare<[], { blocks: number }>('SELECT count(*) AS blocks FROM blocks').get() ?? {
      blocks: 0,
    }
    const notes =
      version <= MIGRATIONS.length
        ? 0
        : Number(
            db
              .prepare(
                `SELECT count(note) FROM blocks WHERE length(note) ${version === MIGRATIONS.length + 1 ? '=' : '>'} 400`,
              )
              .pluck()
              .get(),
          )
    return { version, blocks, notes }
  } finally {
    db.close()
  }
}

test('the schema version is the number of migration steps', () => {
  expect(SCHEMA_VERSION).toBe(MIGRATIONS.length)
})

test(
  `a store that is killed ${KILLS} times in the middle of a migration is of one version or the next, whole, and can go on`,
  { timeout: 600_000 },
  async () => {
    const original = join(folder.path, 'original')
    const log = new OpenLog(openOptions(original))
    const blocks = Array.from({ length: BLOCKS }, (_, index) => blocksOf(1, index + 1, ['x'.repeat(500)])).flat()
    log.writer.commit(batchOf(1, blocks, [streamOp(1, ['out'])]), [])
    log.close()
    const whole = join(folder.path, 'whole')
    cpSync(original, whole, { recursive: true })
    const startedAt = performance.now()
    await runChild(whole)
    const longest = performance.now() - startedAt
    const versions = new Set<number>()
    for (let kill = 0; kill < KILLS; kill++) {
      const directory = join(folder.path, `kill-${kill}`)
      cpSync(original, directory, { recursive: true })
      await runChild(directory, Math.random() * longest * 0.8)
      const { version, blocks: found, notes } = inspect(directory)
      versions.add(version)
      expect(found).toBe(BLOCKS)
      expect(notes).toBe(version <= MIGRATIONS.length ? 0 : BLOCKS)
      expect(await runChild(directory)).toBe('start\ndone\n')
      expect(inspect(directory)).toEqual({ version: LATER_STEPS.length, blocks: BLOCKS, notes: BLOCKS })
    }
    expect(versions.size).toBeGreaterThan(1)
  },
)

test(
  `a store that is killed in the middle of its first start opens the next time, ${KILLS} times of ${KILLS}`,
  { timeout: 600_000 },
  async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const directory = join(folder.path, `first-${kill}`)
      mkdirSync(directory)
      const child = new StoreChild(directory, join(folder.path, `${kill}.log`), { count: 10 })
      await sleep(Math.random() * 250)
      await child.kill()
      const log = new OpenLog(openOptions(directory))
      expect(log.opened.salvaged).toBeUndefined()
      log.writer.commit(batchOf(log.opened.batch + 1, blocksOf(1, log.opened.seq + 1, ['usable'])), [])
      expect(log.payloads().at(-1)).toBe('usable')
      log.close()
    }
  },
)
