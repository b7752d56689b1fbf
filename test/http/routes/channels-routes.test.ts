import { expect, test } from 'vitest'
import { EdgeError } from '../../../daemon/core/errors.ts'
import { channelsRoutes } from '../../../daemon/http/routes/channels-routes.ts'
import type { RegistryPort } from '../../../daemon/operations/registry.ts'
import { asking } from '../ask.ts'

const asked: unknown[] = []
const missing = (id: string): never => {
  throw new EdgeError('not-found', `There is no ${id}.`)
}
const port = {
  channels: (request: object) => {
    asked.push(request)
    return { items: [{ id: 'one' }], next: 'more' }
  },
  channel: (id: string) => (id === 'one' ? { id } : missing(id)),
  schema: (id: string) => (id === 'message' ? { id, payload_schema: { type: 'object' } } : missing(id)),
} as unknown as RegistryPort
const ask = asking(channelsRoutes(port))

test('lists the channels, all or those of one document', async () => {
  const answer = await ask('GET', '/channels?asyncapi_document_id=doc&limit=1')
  expect(answer).toMatchObject({ status: 200, body: { items: [{ id: 'one' }], next: 'more' } })
  expect(asked).toEqual([{ asyncapi_document_id: 'doc', limit: 1 }])
  expect(await ask('GET', '/channels?documents=doc')).toMatchObject({ status: 400, body: { code: 'request-invalid' } })
})

test('returns a channel and the schema of a message by id, or 404', async () => {
  expect(await ask('GET', '/channels/one')).toMatchObject({ status: 200, body: { id: 'one' } })
  expect(await ask('GET', '/channels/two')).toMatchObject({ status: 404, body: { code: 'not-found' } })
  const schema = await ask('GET', '/messages/message/schema')
  expect(schema).toMatchObject({ status: 200, body: { payload_schema: { type: 'object' } } })
  expect((await ask('GET', '/messages/other/schema')).status).toBe(404)
})
