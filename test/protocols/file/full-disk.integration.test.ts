import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FileAdapter } from '../../../daemon/protocols/file/file-adapter.ts'
import { type TemporaryFolder, temporaryFolder } from '../../servers/temporary-folder.ts'
import { outgoing, range } from '../outgoing.ts'

describe.skipIf(process.getuid?.() !== 0)('FileAdapter on a file system that fails (needs root to mount one)', () => {
  let folder: TemporaryFolder
  let mount: string
  const adapter = new FileAdapter()

  beforeEach(async () => {
    folder = temporaryFolder('full-disk')
    mount = join(folder.path, 'mount')
    mkdirSync(mount)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', mount])
    await adapter.connect({ directory: join(mount, 'journal') })
  })
  afterEach(async () => {
    await adapter.disconnect()
    execFileSync('umount', ['-l', mount])
    folder.remove()
  })

  const publish = (from: number, to: number) =>
    adapter.publish(
      null,
      range(from, to).map((n) => outgoing(n)),
    )

  test('a full disk keeps the whole batch, leaves nothing torn, and goes on once there is space', async () => {
    const ballast = join(mount, 'ballast')
    writeFileSync(ballast, Buffer.alloc(128 * 1024))
    const accepted: number[] = []
    let next = 1
    for (;;) {
      const [outcome] = await publish(next, next + 99)
      if (outcome?.status !== 'accepted') {
        expect(outcome).toMatchObject({ status: 'kept', error: { code: 'upstream-disk' } })
        break
      }
      accepted.push(...range(next, next + 99))
      next += 100
    }
    expect(await publish(next, next + 99)).toMatchObject(range(1, 100).map(() => ({ status: 'kept' })))
    expect(numbersIn(join(mount, 'journal'))).toEqual(accepted)
    unlinkSync(ballast)
    expect(new Set((await publish(next, next + 99)).map(({ status }) => status))).toEqual(new Set(['accepted']))
    expect(numbersIn(join(mount, 'journal'))).toEqual(range(1, next + 99))
  })

  test('a file system that becomes read-only keeps the batch and resumes', async () => {
    await publish(1, 10)
    await adapter.disconnect()
    execFileSync('mount', ['-o', 'remount,ro', mount])
    await expect(adapter.connect({ directory: join(mount, 'journal') })).rejects.toMatchObject({
      code: 'upstream-disk',
    })
    expect(new Set((await publish(11, 20)).map(({ status }) => status))).toEqual(new Set(['kept']))
    execFileSync('mount', ['-o', 'remount,rw', mount])
    await publish(11, 20)
    expect(numbersIn(join(mount, 'journal'))).toEqual(range(1, 20))
  })
})

function numbersIn(directory: string): number[] {
  const lines = readdirSync(directory)
    .toSorted()
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n').slice(0, -1))
  return lines.map((line) => {
    const { payload }: { payload: { n: number } } = JSON.parse(line)
    return payload.n
  })
}
