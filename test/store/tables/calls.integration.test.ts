import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../../servers/wait-until.ts'
import { call } from '../../support/api.ts'
import { blockJournal, unblockJournal } from '../../support/blocked-journal.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { readStore } from '../../support/store-reader.ts'

const daemon = await DaemonProcess.create({ settings: { callLog: { record: 'all' } } })
let short = ''
let long = ''

beforeAll(async () => {
  blockJournal(daemon)
  const channels = {
    short: {
      address: 'short/{id}',
      'x-bridge': { ttl: '200ms' },
      messages: { Short: { payload: { type: 'object' } } },
    },
    long: { address: 'long/{id}', messages: { Long: { payload: { type: 'object' } } } },
  }
  const document = { asyncapi: '3.0.0', info: { title: 'Ages', version: '1' }, channels }
  daemon.writeFile('ages.json', JSON.stringify(document))
  daemon.configure({ asyncapi: ['./ages.json'], callLog: { record: 'all' } })
  await daemon.start()
  const { body } = await call<{ items: { id: string; channel_name: string }[] }>(daemon, 'GET', '/channels')
  short = body.items.find((one) => one.channel_name === 'short/{id}')?.id ?? ''
  long = body.items.find((one) => one.channel_name === 'long/{id}')?.id ?? ''
})
afterAll(() => daemon.remove())

function publish(channel: string, count: number): Promise<unknown> {
  const ask = { channel_id: channel, payload: {}, parameters: { id: '1' } }
  return Promise.all(Array.from({ length: count }, () => call(daemon, 'POST', '/messages/publish', ask)))
}

function responses(channel: string): Record<string, number> {
  const sql = `SELECT ifnull(broker_response, 'waits') AS response, count(*) AS count FROM message_call_logs WHERE channel_id = '${channel}' GROUP BY 1`
  const rows = readStore<{ response: string; count: number }>(daemon.folder, sql)
  return Object.fromEntries(rows.map(({ response, count }) => [response, count]))
}

test('a call says whether its message was delivered or expired', async () => {
  await publish(short, 20)
  await publish(long, 20)
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect([responses(short), responses(long)]).toEqual([{ waits: 20 }, { waits: 20 }])
  unblockJournal(daemon)
  await daemon.drained('journal')
  await waitUntil(
    () => `all are complete: ${JSON.stringify([responses(short), responses(long)])}`,
    () => responses(long)['waits'] === undefined && responses(short)['waits'] === undefined,
  )
  expect(responses(short)).toEqual({ '{"journal":"expired"}': 20 })
  expect(responses(long)).toEqual({ '{"journal":"settled"}': 20 })
})

test('thousands of waiting calls are completed within seconds', async () => {
  for (let round = 0; round < 40; round++) await publish(long, 100)
  await daemon.drained('journal')
  await waitUntil(
    () => `4,020 are complete: ${JSON.stringify(responses(long))}`,
    () => responses(long)['{"journal":"settled"}'] === 4_020,
    10_000,
  )
})
