import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'

export const isRoot = process.getuid?.() === 0

export interface Mount {
  readonly path: string
  unmount(): void
}

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** A file system of `mib` MiB; `resize` changes that. */
export function mountTmpfs(path: string, mib: number): Mount & { resize(mib: number): void } {
  mkdirSync(path, { recursive: true })
  run('mount', '-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', path)
  return {
    path,
    resize: (size) => void run('mount', '-o', `remount,size=${size}m`, path),
    unmount: () => void run('umount', '-l', path),
  }
}

/** A disk that can be made to fail as an SD card does: ext4 meets an error and turns read-only under open files. */
export function mountExt4(
  path: string,
  image: string,
  mib: number,
): Mount & { failToReadOnly(): void; repair(): void } {
  mkdirSync(path, { recursive: true })
  const fd = openSync(image, 'w')
  ftruncateSync(fd, mib * 1024 ** 2)
  closeSync(fd)
  run('mkfs.ext4', '-qF', image)
  const mount = (): void => void run('mount', '-o', 'loop,errors=remount-ro', image, path)
  mount()
  return {
    path,
    failToReadOnly() {
      const device = basename(run('losetup', '-n', '-O', 'NAME', '-j', image).trim())
      writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, 'the test says so')
    },
    repair() {
      run('umount', path)
      // 1: errors were corrected.
      run('sh', '-c', 'e2fsck -fy "$0" >/dev/null || [ $? -eq 1 ]', image)
      mount()
    },
    unmount: () => void run('umount', '-l', path),
  }
}
