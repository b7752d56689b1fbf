import { expect, test } from 'vitest'
import { EdgeError, ERROR_CODES, type ErrorCode } from '../../../daemon/core/errors.ts'
import { HttpProblem, toProblem } from '../../../daemon/http/server/problem.ts'

test('an error of the gateway keeps its code, hint and place', () => {
  const place = { line: 3, column: 7, field: 'channels.x' }
  expect(toProblem(new EdgeError('document-invalid', 'no address', { place }))).toEqual({
    status: 422,
    title: 'Unprocessable Entity',
    code: 'document-invalid',
    detail: 'no address',
    hint: ERROR_CODES['document-invalid'].hint,
    ...place,
  })
})

test('every code has an error status', () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const { status } = toProblem(new EdgeError(code, 'x'))
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(600)
  }
})

test('an unexpected error reveals nothing', () => {
  for (const error of [new Error('/etc/secret'), 'text', null, { statusCode: 200 }, undefined]) {
    expect(toProblem(error)).toMatchObject({ status: 500, code: 'internal' })
    expect(JSON.stringify(toProblem(error))).not.toContain('secret')
  }
})

test('the problem of a route is answered unchanged', () => {
  expect(toProblem(new HttpProblem(404, 'not-found', 'gone', { field: 'id' }))).toEqual({
    status: 404,
    title: 'Not Found',
    code: 'not-found',
    detail: 'gone',
    field: 'id',
  })
})
