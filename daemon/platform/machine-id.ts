import { readFileSync } from 'node:fs'

/** The machine's own id, by which a store that was copied to another machine is recognised. */
export function readMachineId(
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): string | undefined {
  try {
    const id = read('/etc/machine-id').trim()
    // Images that are to be cloned hold the word instead of an id until their first boot.
    return /^[0-9a-f]{32}$/.test(id) ? id : undefined
  } catch {
    return undefined
  }
}
