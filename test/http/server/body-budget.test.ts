import { EventEmitter } from 'node:events'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { expect, test } from 'vitest'
import { BodyBudget } from '../../../daemon/http/server/body-budget.ts'

const KIB = 1024

function request(headers: Record<string, string>): { request: FastifyRequest; reply: FastifyReply; end: () => void } {
  const raw = new EventEmitter()
  return {
    request: { headers, routeOptions: { bodyLimit: 1024 * KIB } } as unknown as FastifyRequest,
    reply: { raw } as unknown as FastifyReply,
    end: () => void raw.emit('close'),
  }
}

const large = { 'content-length': String(600 * KIB) }

test('large bodies share the budget, and return their part when their request is over', () => {
  const budget = new BodyBudget(1024 * KIB)
  const first = request(large)
  budget.admit(first.request, first.reply)
  const second = request(large)
  expect(() => budget.admit(second.request, second.reply)).toThrow(
    expect.objectContaining({ problem: expect.objectContaining({ status: 503 }) as object }),
  )
  expect(budget.refused).toBe(1)
  first.end()
  budget.admit(second.request, second.reply)
})

test('small bodies, and requests without a body, are always accepted', () => {
  const budget = new BodyBudget(1024 * KIB)
  budget.admit(request(large).request, request(large).reply)
  for (let count = 0; count < 1_000; count++)
    for (const headers of [{}, { 'content-length': String(16 * KIB) }]) {
      const small = request(headers)
      budget.admit(small.request, small.reply)
    }
  expect(budget.refused).toBe(0)
})

test('a body of unknown length counts with its maximum', () => {
  const budget = new BodyBudget(1024 * KIB)
  const first = request({ 'transfer-encoding': 'chunked' })
  budget.admit(first.request, first.reply)
  const second = request({ 'transfer-encoding': 'chunked' })
  expect(() => budget.admit(second.request, second.reply)).toThrow()
})
