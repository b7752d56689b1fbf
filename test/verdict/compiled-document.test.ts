import { describe, expect, test } from 'vitest'
import { inTurns } from '../../daemon/core/turn.ts'
import { Catalogue } from '../../daemon/verdict/catalogue.ts'
import { CompiledDocument, type ActiveDocument } from '../../daemon/verdict/compiled-document.ts'
import { detachedContext } from '../../daemon/verdict/detached-context.ts'
import { contractOf } from './routing-world.ts'

const context = detachedContext({ upstreams: ['events'], routes: [] })
const channels = Object.fromEntries(
  Array.from({ length: 5_000 }, (_, index) => [`c${index}`, { address: `site/${index}/{device}`, messages: {} }]),
)
const contract = contractOf({ asyncapi: '3.0.0', info: { title: 'Plant', version: '1.0.0' }, channels })
const document: ActiveDocument = { name: 'Plant', version: '1.0.0', contract }

describe('a document that is compiled in turns', () => {
  test('is what it is when it is compiled at once, and lets others do their work meanwhile', async () => {
    let others = 0
    const timer = setInterval(() => others++, 0)
    const stepped = await inTurns(CompiledDocument.compiling(document, context))
    clearInterval(timer)
    expect(others).toBeGreaterThan(2)
    const atOnce = CompiledDocument.compile(document, context)
    expect([...stepped.channels.keys()]).toEqual([...atOnce.channels.keys()])
    expect(stepped.matcher.match('site/7/a')?.value.channel.id).toBe('c7')
  })

  test('is taken over by a catalogue under the settings that it was compiled for, and by no other', () => {
    const known = CompiledDocument.compile(document, context)
    const [id = ''] = known.channels.keys()
    const same = new Catalogue([document], context, [known])
    expect(same.channel(id)).toBe(known.channels.get(id))
    const other = new Catalogue([document], { ...context, settings: { upstreams: [], routes: [] } }, [known])
    expect(other.channel(id)).not.toBe(known.channels.get(id))
    const version = new Catalogue([{ ...document, version: '2.0.0' }], context, [known])
    expect(version.channel(id)?.document).toBe('Plant@2.0.0')
  })
})
