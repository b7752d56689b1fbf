import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Logger } from '../../core/logger.ts'

/** The versions whose private parts this folder knows; the tests beside it compare them with the libraries' own behaviour. */
const KNOWN = { aedes: '1.2.0', 'aedes-persistence': '11.0.0', 'mqtt-packet': '9.0.2' } as const
export type Library = keyof typeof KNOWN
export type Versions = Readonly<Record<Library, string>>

const ours = createRequire(import.meta.url)
/** Resolves what Aedes resolves. */
export const aedesRequire = createRequire(ours.resolve('aedes'))

/** Versions as they are installed. */
export const installed: Versions = {
  aedes: versionBeside(ours.resolve('aedes')),
  'aedes-persistence': versionBeside(ours.resolve('aedes-persistence')),
  'mqtt-packet': versionBeside(aedesRequire.resolve('mqtt-packet')),
}

export function isKnown(library: Library, versions: Versions = installed): boolean {
  return versions[library] === KNOWN[library]
}

/** Says once what another version changes. */
export function warnOfOtherVersions(logger: Logger, versions: Versions = installed): void {
  for (const library of Object.keys(KNOWN) as Library[]) {
    if (isKnown(library, versions)) continue
    const fields = { library, installed: versions[library], known: KNOWN[library] }
    logger.warn(fields, `${library} is of another version than the broker was tested with: ${CONSEQUENCE[library]}`)
  }
}

const CONSEQUENCE: Readonly<Record<Library, string>> = {
  aedes: 'its own packet parser is used, and clients are held for up to 10 s whatever their keep-alive',
  'aedes-persistence': 'run the tests of broker/aedes before messages of QoS 2 are trusted to it',
  'mqtt-packet': 'its own packet parser is used, which takes more processor time',
}

/** `exports` of a package hides its package.json, but its main file stands beside it. */
function versionBeside(main: string): string {
  return (JSON.parse(readFileSync(join(dirname(main), 'package.json'), 'utf8')) as { version: string }).version
}
