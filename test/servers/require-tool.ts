import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'

/** The path of a program, or an error that says what to install. */
export function requireTool(name: string, install = 'run scripts/install-test-servers.sh as root'): string {
  // eslint-disable-next-line node/no-process-env -- where programs are is the environment's to say
  const folders = `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter)
  for (const folder of folders) {
    const path = join(folder, name)
    if (isExecutable(path)) return path
  }
  throw new Error(`${name} is not installed: ${install}`)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}
