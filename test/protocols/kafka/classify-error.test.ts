import kafkajs from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { ERROR_CODES } from '../../../daemon/core/errors.ts'
import { classifyError } from '../../../daemon/protocols/kafka/classify-error.ts'

const protocolError = (code: number) => Object.assign(new kafkajs.KafkaJSProtocolError('as the server says'), { code })
const wrapped = (cause: Error) =>
  Object.assign(new kafkajs.KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 1, retryTime: 1 }), { cause })
const connectionError = (code?: string) =>
  Object.assign(new kafkajs.KafkaJSConnectionError('no matter what it says'), { code })
const named = (name: string) => Object.assign(new Error('no matter what it says'), { name })

describe('classifyError', () => {
  test.each([
    ['MESSAGE_TOO_LARGE', 10, 'message', 'message-too-large'],
    ['RECORD_LIST_TOO_LARGE', 18, 'message', 'message-too-large'],
    ['CORRUPT_MESSAGE', 2, 'message', 'message-refused'],
    ['INVALID_RECORD', 87, 'message', 'message-refused'],
    ['INVALID_TIMESTAMP', 32, 'message', 'message-refused'],
    ['INVALID_TOPIC_EXCEPTION', 17, 'message', 'topic-name-invalid'],
    ['UNKNOWN_TOPIC_OR_PARTITION', 3, 'route', 'route-missing'],
    ['TOPIC_AUTHORIZATION_FAILED', 29, 'route', 'route-forbidden'],
    ['NOT_LEADER_FOR_PARTITION', 6, 'server', 'upstream-unavailable'],
    ['LEADER_NOT_AVAILABLE', 5, 'server', 'upstream-unavailable'],
    ['NOT_ENOUGH_REPLICAS', 19, 'server', 'upstream-unavailable'],
    ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 20, 'server', 'upstream-unavailable'],
    ['OUT_OF_ORDER_SEQUENCE_NUMBER', 45, 'server', 'upstream-unavailable'],
    ['KAFKA_STORAGE_ERROR', 56, 'server', 'upstream-unavailable'],
    ['THROTTLING_QUOTA_EXCEEDED', 89, 'server', 'upstream-unavailable'],
    ['REQUEST_TIMED_OUT', 7, 'server', 'upstream-timeout'],
    ['SASL_AUTHENTICATION_FAILED', 58, 'server', 'upstream-auth'],
    ['UNSUPPORTED_SASL_MECHANISM', 33, 'server', 'upstream-auth'],
    ['ILLEGAL_SASL_STATE', 34, 'server', 'upstream-protocol'],
    ['UNSUPPORTED_VERSION', 35, 'server', 'upstream-protocol'],
    ['UNSUPPORTED_COMPRESSION_TYPE', 76, 'server', 'upstream-protocol'],
    ['a number from the future', 999, 'server', 'upstream-unavailable'],
  ])('%s (%i) is a fault of the %s: %s', (_name, number, kind, code) => {
    for (const error of [protocolError(number), wrapped(protocolError(number))]) {
      expect(classifyError(error)).toMatchObject({ kind, error: { code }, kafkaCode: number })
    }
  })

  test.each([
    ['ECONNREFUSED', 'upstream-unreachable'],
    ['ENOTFOUND', 'upstream-unreachable'],
    ['ECONNRESET', 'upstream-unreachable'],
    [undefined, 'upstream-unreachable'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'upstream-tls'],
    ['CERT_HAS_EXPIRED', 'upstream-tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'upstream-tls'],
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'upstream-tls'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'upstream-protocol'],
  ])('a connection that failed with %s is %s', (systemCode, code) => {
    expect(classifyError(wrapped(connectionError(systemCode)))).toMatchObject({ kind: 'server', error: { code } })
  })

  test.each([
    ['KafkaJSSASLAuthenticationError', 'upstream-auth'],
    ['KafkaJSServerDoesNotSupportApiKey', 'upstream-protocol'],
    ['KafkaJSRequestTimeoutError', 'upstream-timeout'],
    ['KafkaJSLockTimeout', 'upstream-timeout'],
    ['KafkaJSBrokerNotFound', 'upstream-unavailable'],
    ['KafkaJSMetadataNotLoaded', 'upstream-unavailable'],
    ['TypeError', 'upstream-unavailable'],
  ])('%s is %s', (name, code) => {
    expect(classifyError(named(name))).toMatchObject({ kind: 'server', error: { code } })
  })

  test('a server that closes the connection at the first request speaks another protocol; later it is only unreachable', () => {
    const closed = named('KafkaJSConnectionClosedError')
    expect(classifyError(wrapped(closed), true)).toMatchObject({ error: { code: 'upstream-protocol' } })
    expect(classifyError(wrapped(closed))).toMatchObject({ error: { code: 'upstream-unreachable' } })
  })

  test('only faults of the message itself are final', () => {
    for (let number = -1; number < 130; number += 1) {
      const { kind, error } = classifyError(protocolError(number))
      expect(ERROR_CODES[error.code].retryable, String(number)).toBe(kind !== 'message')
    }
  })
})
