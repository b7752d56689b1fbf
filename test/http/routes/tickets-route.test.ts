import { beforeEach, describe, expect, test } from 'vitest'
import { TicketStore } from '../../../daemon/access/ticket-store.ts'
import { ticketsRoute } from '../../../daemon/http/routes/tickets-route.ts'
import { asking, type Ask } from '../ask.ts'

const CALLER = { name: 'ops', admin: false }
let nowMs: number
let tickets: TicketStore
let ask: Ask
beforeEach(() => {
  nowMs = 0
  tickets = new TicketStore(() => nowMs)
  ask = asking(
    ticketsRoute(tickets, () => 1_700_000_000_000),
    { authorize: () => Promise.resolve(CALLER) },
  )
})

async function issue(path = '/messages/stream'): Promise<string> {
  const answer = await ask('POST', '/tickets', { path })
  expect(answer).toMatchObject({ status: 201, body: { expires_at: new Date(1_700_000_030_000).toISOString() } })
  return String(answer.body['ticket'])
}

describe('a ticket', () => {
  test('identifies the caller who asked for it, once, on its path', async () => {
    const ticket = await issue()
    expect(tickets.redeem(ticket, '/messages/stream')).toEqual(CALLER)
    expect(tickets.redeem(ticket, '/messages/stream')).toBeUndefined()
  })

  test('is used up by another path', async () => {
    const ticket = await issue()
    expect(tickets.redeem(ticket, '/ws/one')).toBeUndefined()
    expect(tickets.redeem(ticket, '/messages/stream')).toBeUndefined()
  })

  test('expires after 30 s', async () => {
    const [early, late] = [await issue(), await issue()]
    nowMs = 29_999
    expect(tickets.redeem(early, '/messages/stream')).toEqual(CALLER)
    nowMs = 30_000
    expect(tickets.redeem(late, '/messages/stream')).toBeUndefined()
  })

  test.each(['messages/stream', '/a?b=c', ''])('is refused for %j, which is not a path', async (path) => {
    expect(await ask('POST', '/tickets', { path })).toMatchObject({ status: 400, body: { field: '/path' } })
  })
})

test('the number of tickets is limited, and expired ones make room', () => {
  for (let count = 0; count < 10_000; count++) expect(tickets.issue('/a', CALLER)).toBeDefined()
  expect(tickets.issue('/a', CALLER)).toBeUndefined()
  nowMs = 30_001
  expect(tickets.issue('/a', CALLER)).toBeDefined()
})

test('answers 429 when too many tickets are unused', async () => {
  for (let count = 0; count < 10_000; count++) tickets.issue('/a', CALLER)
  expect(await ask('POST', '/tickets', { path: '/a' })).toMatchObject({ status: 429, body: { code: 'limit-reached' } })
})
