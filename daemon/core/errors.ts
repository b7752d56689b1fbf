/**
 * Every error that leaves a room carries a code of this closed list. Decisions are made on the code,
 * never on message text; the hint is written for the operator.
 */
export const ERROR_CODES = {
  // settings
  'config-unreadable': { retryable: false, hint: 'Check that the file exists and that this user may read it.' },
  'config-syntax': { retryable: false, hint: 'Correct the YAML at the place named.' },
  'config-unknown-key': {
    retryable: false,
    hint: 'Remove the key, or correct its spelling; config/schema.json lists all keys.',
  },
  'config-invalid': { retryable: false, hint: 'Correct the value; docs/configuration.md lists what each key takes.' },
  'config-secret': {
    retryable: false,
    hint: 'Check that the file, credential or environment variable exists and is readable.',
  },
  'config-restart': { retryable: false, hint: 'This setting is read at start only: restart the daemon to change it.' },
  // documents
  'document-unreadable': { retryable: false, hint: 'Check that the file exists and that this user may read it.' },
  'document-syntax': { retryable: false, hint: 'Correct the YAML or JSON at the place named.' },
  'document-reference': {
    retryable: false,
    hint: 'Only references inside the document (#/…) are followed: bundle the document first.',
  },
  'document-limit': {
    retryable: false,
    hint: 'The document is larger, deeper or slower to check than a gateway accepts.',
  },
  'document-invalid': { retryable: false, hint: 'Correct the document at the places listed.' },
  'document-no-channels': { retryable: false, hint: 'A document needs at least one channel.' },
  'document-check-failed': {
    retryable: true,
    hint: 'The checking process ended early; try again, and look at its memory limit.',
  },
  'document-conflict': {
    retryable: false,
    hint: 'This version is registered with other content: give the document another version.',
  },
  'document-of-file': {
    retryable: false,
    hint: 'This document comes from a file of the configuration: change or remove it there.',
  },
  // messages
  'payload-invalid': { retryable: false, hint: 'Compare the payload with the message schema of the document named.' },
  'payload-not-json': { retryable: false, hint: 'The channel takes JSON: send a JSON text.' },
  'payload-too-deep': { retryable: false, hint: 'Nest the payload less deeply.' },
  'parameter-invalid': {
    retryable: false,
    hint: 'The topic carries a value that the channel parameter does not allow.',
  },
  'parameter-missing': {
    retryable: false,
    hint: 'Name every parameter of the channel address, in parameters or as a field of the payload.',
  },
  'parameter-mismatch': { retryable: false, hint: 'Topic and payload must name the same device.' },
  'topic-invalid': {
    retryable: false,
    hint: 'Topics may not hold control characters, NUL, wildcards or invalid UTF-8.',
  },
  'topic-reserved': { retryable: false, hint: 'Topics that start with $ belong to the broker.' },
  'topic-unmatched': {
    retryable: false,
    hint: 'No document describes this topic: add a channel, or set unmatched to local or pass.',
  },
  'channel-unaddressed': {
    retryable: false,
    hint: 'The document gives this channel no address that can be published to.',
  },
  'upstream-missing': {
    retryable: false,
    hint: "Name one of the channel's servers under upstreams: it has no other destination.",
  },
  'not-permitted': { retryable: false, hint: 'Grant this identity the channel under access.roles.' },
  // destinations
  'render-failed': {
    retryable: false,
    hint: 'A template of this destination gave an empty or forbidden value for this message.',
  },
  'message-too-large': { retryable: false, hint: 'Raise the destination limit, or send smaller messages.' },
  'message-refused': { retryable: false, hint: 'The destination refused this message for what it is.' },
  'topic-name-invalid': { retryable: false, hint: 'The destination does not allow this topic name.' },
  'route-missing': { retryable: true, hint: 'Create the topic or exchange, or correct its name.' },
  'route-forbidden': { retryable: true, hint: 'Grant the gateway write permission on the topic or exchange.' },
  'upstream-unreachable': { retryable: true, hint: 'Check the network and the address of the upstream.' },
  'upstream-timeout': { retryable: true, hint: 'The upstream did not answer within its deadline.' },
  'upstream-auth': { retryable: true, hint: 'Check the user, password or mechanism of the upstream.' },
  'upstream-tls': { retryable: true, hint: 'Check certificates, CA and host name of the upstream.' },
  'upstream-protocol': {
    retryable: true,
    hint: 'The upstream does not speak what was configured (TLS, SASL, protocol version).',
  },
  'upstream-unavailable': { retryable: true, hint: 'The upstream answered that it cannot take messages now.' },
  'upstream-disk': { retryable: true, hint: 'The journal could not be written: check space and permissions.' },
  'held-too-long': { retryable: false, hint: 'The route stayed missing or forbidden for longer than holdFor.' },
  unsupported: { retryable: false, hint: 'The protocol has no such operation.' },
  // requests
  'not-found': { retryable: false, hint: 'Look the identifier up in the list of its kind.' },
  'request-invalid': { retryable: false, hint: 'Correct the field named; /openapi.json describes every request.' },
  'idempotency-conflict': {
    retryable: false,
    hint: 'This Idempotency-Key was used for another body: choose a new key for a new message.',
  },
  'limit-reached': { retryable: true, hint: 'There are as many of these as the gateway holds: remove one first.' },
  'callback-refused': { retryable: false, hint: 'Name the host of the callback in http.callbacks.allow.' },
  // store
  'store-locked': { retryable: false, hint: 'Another daemon uses this store: stop it, or set store.directory.' },
  'store-full': { retryable: true, hint: 'Free space, raise store.maxBytes, or bring the upstream back.' },
  'store-failed': {
    retryable: true,
    hint: 'The disk answered with an error: check it, the daemon restarts by itself.',
  },
  'store-newer': { retryable: false, hint: 'This store was written by a newer version: run that version.' },
  'store-unusable': { retryable: false, hint: 'Check the permissions of store.directory.' },
  // process
  'listen-failed': { retryable: false, hint: 'The address is in use or not permitted: change the listener.' },
  'daemon-unreachable': { retryable: true, hint: 'Is the daemon running? Set --url or STEPFLOW_URL.' },
  'runtime-unsupported': { retryable: false, hint: 'Run with Node 24.15 or later.' },
  'shutting-down': { retryable: true, hint: 'The gateway is stopping.' },
  internal: { retryable: false, hint: 'Please report this with the log lines around it.' },
} as const satisfies Record<string, { retryable: boolean; hint: string }>

export type ErrorCode = keyof typeof ERROR_CODES

/** Where in a file the fault stands; line and column count from 1. */
export interface Place {
  file?: string
  line?: number
  column?: number
  /** Dotted path or JSON pointer of the field. */
  field?: string
}

/** The only error class that rooms throw or return. */
export class EdgeError extends Error {
  readonly code: ErrorCode
  readonly hint: string
  readonly retryable: boolean
  readonly place: Place

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; place?: Place; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'EdgeError'
    this.code = code
    this.hint = options.hint ?? ERROR_CODES[code].hint
    this.retryable = ERROR_CODES[code].retryable
    this.place = options.place ?? {}
  }
}

/** `file:line:col message` as compilers print it; parts that are unknown are left out. */
export function formatPlace(error: EdgeError): string {
  const { file, line, column, field } = error.place
  const at = [file, line, column].filter((part) => part !== undefined).join(':')
  const named = field === undefined || error.message.includes(field) ? '' : `${field}: `
  return at === '' ? `${named}${error.message}` : `${at} ${named}${error.message}`
}

/** The `code` that Node, SQLite and drivers put on their errors, or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
