import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TopicMemory } from '../../daemon/verdict/topic-memory.ts'

test('gives what was last set for the topic, whatever the publishers did before, or nothing', () => {
  const step = fc.record({
    topic: fc.nat({ max: 11 }),
    publisher: fc.nat({ max: 3 }),
    sets: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const memory = new TopicMemory<{ topic: string; step: number }>(7)
      const last = new Map<string, number>()
      const trails = [{ at: 0 }, { at: 0 }, { at: 0 }, undefined]
      for (const [index, { topic: number, publisher, sets }] of steps.entries()) {
        const topic = `t/${number}`
        const found = memory.get(topic, trails[publisher])
        if (found !== undefined) expect(found).toEqual({ topic, step: last.get(topic) })
        if (!sets && found !== undefined) continue
        memory.set(topic, { topic, step: index })
        last.set(topic, index)
        expect(memory.get(topic)).toEqual({ topic, step: index })
      }
    }),
    { numRuns: 500 },
  )
})

test('keeps as many as it may, and of those whoever was asked for since the others were', () => {
  const memory = new TopicMemory<number>(100)
  for (let topic = 0; topic < 100; topic++) memory.set(`t/${topic}`, topic)
  for (let topic = 0; topic < 100; topic++) expect(memory.get(`t/${topic}`)).toBe(topic)
  // All were asked for: the first round forgets that, and from then on what is busy stays.
  for (let topic = 100; topic < 300; topic++) {
    memory.set(`t/${topic}`, topic)
    for (let busy = 50; busy < 60; busy++) expect(memory.get(`t/${busy}`)).toBe(busy)
  }
  const kept = Array.from({ length: 300 }, (_, topic) => memory.get(`t/${topic}`)).filter((one) => one !== undefined)
  expect(kept).toHaveLength(100)
})

test('does not look up by its name what comes in the order in which it came before', () => {
  const memory = new TopicMemory<number>(10)
  const trail = { at: 0 }
  const round = ['a', 'b', 'c']
  for (const [index, topic] of round.entries()) memory.set(topic, index)
  for (const topic of round) memory.get(topic, trail)
  memory.get('a', trail)
  const slots: unknown = Reflect.get(memory, 'slots')
  if (!(slots instanceof Map)) throw new Error('a map of slots is expected')
  slots.get = () => expect.unreachable('looked up')
  expect(['b', 'c', 'a', 'b'].map((topic) => memory.get(topic, trail))).toEqual([1, 2, 0, 1])
})
