import { readFileSync } from 'node:fs'

/** The machine's id (machine-id(5)), by which a store that was copied to another machine is recognised. */
export function readMachineId(
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): string | undefined {
  try {
    const id = read('/etc/machine-id').trim()
    // Until its first boot, a cloned image contains the word `uninitialized`.
    return /^[0-9a-f]{32}$/.test(id) ? id : undefined
  } catch {
    return undefined
  }
}
