import type { EdgeError } from '../core/errors.ts'

/** Exit codes of sysexits.h. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 64,
  document: 65,
  unreachable: 69,
  notPermitted: 77,
  configuration: 78,
} as const

export function exitCodeOf(error: EdgeError): number {
  if (error.code.startsWith('config-')) return EXIT.configuration
  if (error.code === 'request-invalid') return EXIT.usage
  if (error.code.startsWith('document-')) return EXIT.document
  if (error.code === 'daemon-unreachable') return EXIT.unreachable
  if (error.code === 'not-permitted') return EXIT.notPermitted
  return EXIT.failure
}
