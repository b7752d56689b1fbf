import { expect, test } from 'vitest'
import type { ActiveDocument } from '../../daemon/verdict/compiled-document.ts'
import { detachedContext } from '../../daemon/verdict/detached-context.ts'
import { InForce } from '../../daemon/verdict/in-force.ts'
import { contractOf, publishes, v2 } from './routing-world.ts'

const document: ActiveDocument = { name: 'd', version: '1', contract: contractOf(v2({ 'd/{id}': publishes() })) }
const routes = () => ({ upstreams: ['events'], routes: [] })

function channelOf(inForce: InForce): unknown {
  const [id = ''] = inForce.catalogue.channelIds('d/1')
  return inForce.catalogue.channel(id)
}

test('settings that say the same have nothing compiled again; others have, with the next activation', () => {
  const inForce = new InForce(detachedContext(routes()), 'local')
  inForce.activate([document])
  const before = channelOf(inForce)
  expect(before).toBeDefined()
  inForce.configure(routes(), 'local')
  inForce.activate([document])
  expect(channelOf(inForce)).toBe(before)
  inForce.configure({ upstreams: [], routes: [] }, 'local')
  expect(channelOf(inForce)).toBe(before)
  inForce.activate([document])
  expect(channelOf(inForce)).not.toBe(before)
})
