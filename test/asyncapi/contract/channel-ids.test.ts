import { describe, expect, it } from 'vitest'
import { channelIds, messageId } from '../../../daemon/asyncapi/contract/channel-ids.ts'
import type { ContractChannel } from '../../../daemon/asyncapi/contract/contract.ts'
import { makeChannel, makeContract } from '../make-channel.ts'

function idsOf(name: string, ...channels: ContractChannel[]): string[] {
  return [...channelIds(name, makeContract({ channels })).values()]
}

describe('ids of channels', () => {
  const a = makeChannel({ id: 'one', address: 'a/b' })
  const same = makeChannel({ id: 'two', address: 'a/b' })
  const none = makeChannel({ id: 'reply', address: null })

  it('depend only on the name of the document and the address', () => {
    const [id] = idsOf('D', a)
    expect(id).toMatch(/^[0-9a-f]{24}$/)
    expect(idsOf('D', makeChannel({ id: 'renamed', address: 'a/b', description: 'x' }))).toEqual([id])
    expect(idsOf('E', a)).not.toEqual([id])
    // Pinned: databases and other programs store these ids.
    expect(id).toBe('9c6b04a5811ce5e42d597ac3')
    expect(messageId(id ?? '', 'M')).toBe('0cb70e4877456b3d11b0d73b')
  })

  it('differ for channels that share an address or have none', () => {
    const ids = idsOf('D', a, same, none, makeChannel({ id: 'other', address: null }))
    expect(new Set(ids).size).toBe(4)
    expect(idsOf('D', none)[0]).toBe(ids[2])
  })

  it('of messages depend on channel and name', () => {
    expect(new Set([messageId('a', 'b'), messageId('a', 'c'), messageId('ab', ''), messageId('b', 'b')]).size).toBe(4)
  })
})
