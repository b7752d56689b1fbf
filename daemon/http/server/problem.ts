import type { FastifyReply } from 'fastify'
import { DocumentErrors } from '../../asyncapi/documents/source/document-errors.ts'
import { EdgeError, ERROR_CODES, type ErrorCode, systemCode } from '../../core/errors.ts'
import { MessageRefused } from '../../core/refusal.ts'
import { http } from '../../platform/node-http.ts'

const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/** A problem document (RFC 9457). `code` is stable, for programs; `detail` is for people. */
export interface Problem {
  status: number
  title: string
  code: string
  detail: string
  hint?: string
  /** The wrong field of the input, or its place. */
  field?: string
  line?: number
  column?: number
  errors?: readonly object[]
  /** For a refused message: its document as `name@version`, and the name of the message that it resembles most. */
  document?: string | null
  message?: string | null
}

/** Thrown by a route when no EdgeError fits. */
export class HttpProblem extends Error {
  readonly problem: Problem

  constructor(status: number, code: string, detail: string, more: Pick<Problem, 'field' | 'errors' | 'hint'> = {}) {
    super(detail)
    this.name = 'HttpProblem'
    this.problem = { status, title: titleOf(status), code, detail, ...more }
  }
}

/** Every code without an entry is 422: something is wrong with the input. */
const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  'not-permitted': 403,
  'not-found': 404,
  'request-invalid': 400,
  'document-conflict': 409,
  'document-of-file': 409,
  'destination-configured': 409,
  cancelled: 408,
  'limit-reached': 429,
  'document-limit': 413,
  'message-too-large': 413,
  unsupported: 501,
  'upstream-unreachable': 502,
  'upstream-auth': 502,
  'upstream-tls': 502,
  'upstream-protocol': 502,
  'upstream-timeout': 504,
  'upstream-unavailable': 503,
  'upstream-disk': 503,
  'document-check-failed': 503,
  'store-full': 503,
  'store-failed': 503,
  'store-locked': 503,
  'store-newer': 503,
  'store-unusable': 503,
  'shutting-down': 503,
  internal: 500,
}

/** Our codes for those errors of fastify that callers can cause. */
const FRAMEWORK_PROBLEMS: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media-type-unsupported',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'body-empty',
  FST_ERR_CTP_INVALID_JSON_BODY: 'body-not-json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'body-length-wrong',
  FST_ERR_BAD_URL: 'path-invalid',
  FST_ERR_MAX_PARAM_LENGTH: 'path-too-long',
}

export function titleOf(status: number): string {
  return http.STATUS_CODES[status] ?? 'Error'
}

/** Turns an exception into the problem document that the caller sees. An unexpected error reveals nothing. */
export function toProblem(error: unknown): Problem {
  if (error instanceof HttpProblem) return error.problem
  if (error instanceof EdgeError) {
    const status = STATUS_OF[error.code] ?? 422
    const { field, line, column } = error.place
    return {
      status,
      title: titleOf(status),
      code: error.code,
      detail: error.message,
      hint: error.hint,
      ...(field === undefined ? {} : { field }),
      ...(line === undefined ? {} : { line }),
      ...(column === undefined ? {} : { column }),
      ...details(error),
    }
  }
  const invalid = validationOf(error)
  if (invalid !== undefined) return invalid
  const status = statusOf(error)
  if (status === undefined || !(error instanceof Error)) {
    return {
      status: 500,
      title: titleOf(500),
      code: 'internal',
      detail: 'The gateway failed to answer; its log says why.',
    }
  }
  const code = FRAMEWORK_PROBLEMS[systemCode(error) ?? ''] ?? 'request-invalid'
  return { status, title: titleOf(status), code, detail: error.message }
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 503) reply.header('retry-after', '5')
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="stepflow-edge"')
  return reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem))
}

/** The list of errors of a refused message or document, one entry for each place. */
function details(error: EdgeError): Partial<Problem> {
  if (error instanceof MessageRefused)
    return { errors: error.violations, document: error.document, message: error.nearest }
  if (!(error instanceof DocumentErrors)) return {}
  const errors = error.errors.map(({ code, message, place }) => ({
    code,
    detail: message,
    ...(place.line === undefined ? {} : { line: place.line }),
    ...(place.column === undefined ? {} : { column: place.column }),
    ...(place.field === undefined ? {} : { field: place.field }),
  }))
  return { errors }
}

/** The problem of input that violates the schema of its route; `field` is the pointer to it. */
function validationOf(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || !('validation' in error) || !Array.isArray(error.validation)) return undefined
  const [first] = error.validation as { instancePath?: string; keyword?: string; params?: Record<string, unknown> }[]
  const { missingProperty, additionalProperty } = first?.params ?? {}
  const member = [missingProperty, additionalProperty].find((one) => typeof one === 'string')
  const field = `${first?.instancePath ?? ''}${typeof member === 'string' ? `/${member}` : ''}`
  const { hint } = ERROR_CODES['request-invalid']
  return { status: 400, title: titleOf(400), code: 'request-invalid', detail: error.message, hint, field }
}

/** The complete answer for a connection without a reply object; the connection ends after it. */
export function rawAnswer(problem: Problem): string {
  const { status, title } = problem
  const body = JSON.stringify(problem)
  return `HTTP/1.1 ${status} ${title}\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
}

/** The 4xx status that fastify has set on an error, or undefined. */
function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined
  const { statusCode } = error
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : undefined
}
