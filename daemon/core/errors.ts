/**
 * The closed list of error codes. Decisions are made on the code, never on message text. The hint says to the operator what to do next.
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
    hint: 'Check that the file, credential or environment variable exists and that this user may read it.',
  },
  'config-restart': { retryable: false, hint: 'Restart the daemon: this setting is read only at start.' },
  // documents
  'document-unreadable': { retryable: false, hint: 'Check that the file exists and that this user may read it.' },
  'document-syntax': { retryable: false, hint: 'Correct the YAML or JSON at the place named.' },
  'document-reference': {
    retryable: false,
    hint: 'Only references inside the document (#/…) are followed: bundle the document first, into one file.',
  },
  'document-limit': {
    retryable: false,
    hint: 'Split the document, or remove what this gateway does not need; the message names the limit that it exceeds.',
  },
  'document-invalid': { retryable: false, hint: 'Correct the document at the places listed.' },
  'document-no-channels': { retryable: false, hint: 'A document needs at least one channel: add one.' },
  'document-check-failed': {
    retryable: true,
    hint: 'Register the document again. If it fails again, give the service more memory or make the document smaller.',
  },
  'document-conflict': {
    retryable: false,
    hint: 'Give the document another version: this one is registered with different content.',
  },
  'document-of-file': {
    retryable: false,
    hint: 'Change or remove the document in the configuration, under asyncapi: it was loaded from a file.',
  },
  // messages
  'payload-invalid': {
    retryable: false,
    hint: 'Correct the payload at the places listed, or the message schema in the document named.',
  },
  'payload-not-json': {
    retryable: false,
    hint: 'Send JSON: the document declares it as the content type of this channel.',
  },
  'payload-too-deep': { retryable: false, hint: 'Nest the payload less deeply.' },
  'parameter-invalid': {
    retryable: false,
    hint: 'Use a value that the document allows for this channel parameter.',
  },
  'parameter-missing': {
    retryable: false,
    hint: 'Give every parameter of the channel address a value, in parameters or as a field of the payload.',
  },
  'parameter-mismatch': { retryable: false, hint: 'Send the same device id in the topic and in the payload.' },
  'topic-invalid': {
    retryable: false,
    hint: 'Remove control characters, wildcards and invalid UTF-8 from the topic, and keep to broker.maxTopicBytes and maxTopicLevels.',
  },
  'topic-reserved': {
    retryable: false,
    hint: 'Publish to a topic that does not start with $SYS/, $stepflow/ or $share/: those belong to the broker.',
  },
  'topic-unmatched': {
    retryable: false,
    hint: 'Add a channel for this topic to a document, or set unmatched to local or pass.',
  },
  'channel-unaddressed': {
    retryable: false,
    hint: 'Give the channel an address without wildcards in the document, or publish to a topic by name.',
  },
  'upstream-missing': {
    retryable: false,
    hint: "Add one of the channel's servers to upstreams, or a route from this channel to an upstream.",
  },
  'not-permitted': {
    retryable: false,
    hint: 'Use a key whose identity is granted this under access.roles, or grant it there.',
  },
  // destinations
  'render-failed': {
    retryable: false,
    hint: 'Correct the template, or send a message that has a permitted value for each of its fields.',
  },
  'message-too-large': {
    retryable: false,
    hint: "Send a smaller message, or raise the limit that the message names: broker.maxPacketSize, or the destination's own.",
  },
  'message-refused': {
    retryable: false,
    hint: "Read the destination's answer, correct the message or its schema there, then replay the dead letter.",
  },
  'topic-name-invalid': {
    retryable: false,
    hint: 'Set a topic on the route that the destination allows (Kafka: A-Z a-z 0-9 . _ -, at most 249).',
  },
  'route-missing': {
    retryable: true,
    hint: 'Create the topic or exchange at the destination, or correct its name; waiting messages are then sent.',
  },
  'route-forbidden': {
    retryable: true,
    hint: "Grant the gateway's user write permission on the topic or exchange; waiting messages are then sent.",
  },
  'upstream-unreachable': {
    retryable: true,
    hint: 'Check the address of the upstream, the network and the firewall; the gateway keeps trying.',
  },
  'upstream-timeout': {
    retryable: true,
    hint: 'Check the load of the upstream and the network, or raise deadline; the gateway keeps trying.',
  },
  'upstream-auth': { retryable: true, hint: 'Check the user, password and mechanism of the upstream.' },
  'upstream-tls': { retryable: true, hint: 'Check the certificates, the CA and the host name of the upstream.' },
  'upstream-protocol': {
    retryable: true,
    hint: 'Check that TLS, SASL and the port fit the listener of the upstream.',
  },
  'upstream-unavailable': {
    retryable: true,
    hint: 'Check the state of the upstream, as its log shows it; the gateway keeps trying.',
  },
  'upstream-disk': { retryable: true, hint: "Check the free space and the permissions of the journal's directory." },
  'held-too-long': {
    retryable: false,
    hint: 'Create the topic or grant the permission, then replay the dead letters; holdFor sets how long they wait.',
  },
  unsupported: { retryable: false, hint: 'Use another protocol for this operation: this one does not have it.' },
  // requests
  'not-found': { retryable: false, hint: 'Check the identifier against the list of its kind.' },
  'destination-configured': {
    retryable: false,
    hint: 'Remove the upstream from the configuration first: only messages of a destination that is gone can be discarded.',
  },
  'request-invalid': { retryable: false, hint: 'Correct the field named; /openapi.json describes every request.' },
  'idempotency-conflict': {
    retryable: false,
    hint: 'Choose a new Idempotency-Key: this one was used with a different body.',
  },
  cancelled: { retryable: true, hint: 'Ask again, and keep the connection open until the answer comes.' },
  'limit-reached': { retryable: true, hint: 'Remove or close one of these first, or try again later.' },
  'callback-refused': { retryable: false, hint: 'Add the host of the callback to http.callbacks.allow.' },
  // store
  'store-locked': {
    retryable: false,
    hint: 'Stop the other daemon that uses this store, or set another store.directory.',
  },
  'store-full': { retryable: true, hint: 'Free disk space, raise store.maxBytes, or bring the upstream back.' },
  'store-failed': {
    retryable: true,
    hint: 'Check the disk (dmesg, free space): it answered with an error. The daemon restarts by itself.',
  },
  'store-newer': {
    retryable: false,
    hint: 'Run the newer version that wrote this store, or set another store.directory.',
  },
  'store-unusable': { retryable: false, hint: 'Check that store.directory exists and that this user may write to it.' },
  // process
  'listen-failed': {
    retryable: false,
    hint: 'Choose another address or port, or stop the program that uses it; ports below 1024 need permission.',
  },
  'daemon-unreachable': {
    retryable: true,
    hint: 'Check that the daemon runs, and set --url or STEPFLOW_URL to its address.',
  },
  'runtime-unsupported': { retryable: false, hint: 'Run with Node 24.15 or later.' },
  'shutting-down': { retryable: true, hint: 'Try again when the gateway has restarted.' },
  internal: { retryable: false, hint: 'Report this as a bug, with the log lines around it.' },
} as const satisfies Record<string, { retryable: boolean; hint: string }>

export type ErrorCode = keyof typeof ERROR_CODES

/** Place of a fault in a file; line and column count from 1. */
export interface Place {
  file?: string
  line?: number
  column?: number
  /** Dotted path, or JSON pointer (RFC 6901), of the field. */
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

/** `file:line:column message`, as compilers print it, without the parts that are unknown. */
export function formatPlace(error: EdgeError): string {
  const { file, line, column, field } = error.place
  const at = [file, line, column].filter((part) => part !== undefined).join(':')
  const named = field === undefined || error.message.includes(field) ? '' : `${field}: `
  return at === '' ? `${named}${error.message}` : `${at} ${named}${error.message}`
}

/** The `code` of an error of Node, SQLite or a driver; undefined if it has none. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** The message of an error, or the text of any other thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
