import { EdgeError, type ErrorCode, messageOf } from '../../core/errors.ts'

/** The subject of a fault: the message itself, its topic, or the server and the way to it. */
export type FaultKind = 'message' | 'route' | 'server'

export interface Fault {
  readonly kind: FaultKind
  readonly error: EdgeError
  /** Kafka's own number, where the server gave one. */
  readonly kafkaCode: number | undefined
}

type Verdict = readonly [FaultKind, ErrorCode]

/** Kafka's protocol error numbers. One that is not listed can heal and becomes `upstream-unavailable`. */
const BY_KAFKA_CODE: Readonly<Record<number, Verdict>> = {
  2: ['message', 'message-refused'], // CORRUPT_MESSAGE; old brokers also use it for a message without a key on a compacted topic
  3: ['route', 'route-missing'], // UNKNOWN_TOPIC_OR_PARTITION
  7: ['server', 'upstream-timeout'], // REQUEST_TIMED_OUT
  10: ['message', 'message-too-large'], // MESSAGE_TOO_LARGE
  17: ['message', 'topic-name-invalid'], // INVALID_TOPIC_EXCEPTION
  18: ['message', 'message-too-large'], // RECORD_LIST_TOO_LARGE
  29: ['route', 'route-forbidden'], // TOPIC_AUTHORIZATION_FAILED
  30: ['route', 'route-forbidden'], // GROUP_AUTHORIZATION_FAILED
  31: ['server', 'upstream-auth'], // CLUSTER_AUTHORIZATION_FAILED
  32: ['message', 'message-refused'], // INVALID_TIMESTAMP
  33: ['server', 'upstream-auth'], // UNSUPPORTED_SASL_MECHANISM
  34: ['server', 'upstream-protocol'], // ILLEGAL_SASL_STATE
  35: ['server', 'upstream-protocol'], // UNSUPPORTED_VERSION
  43: ['message', 'message-refused'], // UNSUPPORTED_FOR_MESSAGE_FORMAT
  44: ['message', 'message-refused'], // POLICY_VIOLATION
  58: ['server', 'upstream-auth'], // SASL_AUTHENTICATION_FAILED
  76: ['server', 'upstream-protocol'], // UNSUPPORTED_COMPRESSION_TYPE
  87: ['message', 'message-refused'], // INVALID_RECORD
}

const BY_NAME: Readonly<Record<string, ErrorCode>> = {
  KafkaJSSASLAuthenticationError: 'upstream-auth',
  KafkaJSServerDoesNotSupportApiKey: 'upstream-protocol',
  KafkaJSRequestTimeoutError: 'upstream-timeout',
  KafkaJSTimeout: 'upstream-timeout',
  KafkaJSLockTimeout: 'upstream-timeout',
  KafkaJSConnectionError: 'upstream-unreachable',
  KafkaJSConnectionClosedError: 'upstream-unreachable',
}

/** OpenSSL's codes for a certificate that is not trusted; they share no prefix. */
const CERTIFICATE_CODES = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

const UNREACHABLE_CODES = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
])

/** Turns an error of kafkajs into a fault with one of our codes; `connecting` is true until the server has answered once. */
export function classifyError(thrown: unknown, connecting = false): Fault {
  if (thrown instanceof EdgeError) return { kind: 'server', error: thrown, kafkaCode: undefined }
  const chain = causesOf(thrown)
  for (const link of chain) {
    if (typeof link.code !== 'number') continue
    const [kind, code] = BY_KAFKA_CODE[link.code] ?? ['server', 'upstream-unavailable']
    return { kind, error: new EdgeError(code, link.message, { cause: thrown }), kafkaCode: link.code }
  }
  for (const link of chain) {
    const code = typeof link.code === 'string' ? codeOfSystemError(link.code) : codeOfName(link.name, connecting)
    if (code !== undefined)
      return { kind: 'server', error: new EdgeError(code, link.message, { cause: thrown }), kafkaCode: undefined }
  }
  return {
    kind: 'server',
    error: new EdgeError('upstream-unavailable', messageOf(thrown), { cause: thrown }),
    kafkaCode: undefined,
  }
}

/** What Kafka's error number says of a topic, in words; the others are named by their number. */
const TOPIC_FAULTS: Readonly<Record<number, string>> = {
  3: 'there is no such topic',
  5: 'a partition has no leader',
  17: 'this cannot be the name of a topic',
  29: 'this user has no permission',
}

/** The fault of one topic in an answer that names several. */
export function faultOfCode(kafkaCode: number, topic: string): Fault {
  const [kind, code] = BY_KAFKA_CODE[kafkaCode] ?? ['server', 'upstream-unavailable']
  const why = TOPIC_FAULTS[kafkaCode] ?? `the server answers with error ${kafkaCode}`
  return { kind, error: new EdgeError(code, `${topic}: ${why}`), kafkaCode }
}

function codeOfSystemError(code: string): ErrorCode | undefined {
  // The server answered a TLS client in plain text.
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') return 'upstream-protocol'
  if (
    code.startsWith('ERR_TLS') ||
    code.startsWith('ERR_SSL') ||
    code.startsWith('ERR_OSSL') ||
    CERTIFICATE_CODES.has(code)
  )
    return 'upstream-tls'
  return UNREACHABLE_CODES.has(code) ? 'upstream-unreachable' : undefined
}

function codeOfName(name: string, connecting: boolean): ErrorCode | undefined {
  // A broker that accepts the connection and closes it at the first request expects TLS or SASL.
  if (connecting && name === 'KafkaJSConnectionClosedError') return 'upstream-protocol'
  return BY_NAME[name]
}

interface Link {
  readonly name: string
  readonly message: string
  readonly code: unknown
}

/** The error and its causes, outermost first: kafkajs wraps the cause in the error of the retry that gave up. */
function causesOf(thrown: unknown): Link[] {
  const chain: Link[] = []
  for (let error = thrown; error instanceof Error && chain.length < 8; error = error.cause) {
    chain.push({ name: error.name, message: error.message, code: 'code' in error ? error.code : undefined })
  }
  return chain
}

/** Makes the error of a deadline that has passed; `work` is a gerund, as in "sending took longer than its deadline". */
export function tooLate(work: string): () => EdgeError {
  return () => new EdgeError('upstream-timeout', `${work} took longer than its deadline`)
}
