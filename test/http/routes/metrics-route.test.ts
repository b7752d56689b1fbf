import { expect, test } from 'vitest'
import { createTestServer } from '../fake-ports.ts'

test('/metrics answers in the text format of Prometheus', async () => {
  const answer = await createTestServer().app.inject({ url: '/metrics', headers: { host: 'localhost' } })
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(answer.body).toBe('stepflow_x 1\n')
})

test('/metrics answers 500 if the metrics cannot be read', async () => {
  const { app } = createTestServer({ metrics: () => Promise.reject(new Error('broken')) })
  const answer = await app.inject({ url: '/metrics', headers: { host: 'localhost' } })
  expect(answer.statusCode).toBe(500)
  expect(answer.json()).toMatchObject({ code: 'internal' })
})
