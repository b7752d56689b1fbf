import { expect } from 'vitest'
import { RoutingWorld, type Fate, type From, type Setup } from './routing-world.ts'

/** What stands in the contract, settings and documents that show it, and what becomes of messages. */
export type Row = [
  sentence: string,
  setup: Setup,
  cases: [topic: string, payload: unknown, fate: string, from?: From][],
]

export function check(_sentence: string, setup: Setup, cases: Row[2]): void {
  const world = new RoutingWorld(setup)
  for (const [topic, payload, fate, from] of cases)
    expect(`${topic}: ${told(world.publish(topic, payload, from))}`).toBe(`${topic}: ${fate}`)
}

/** `upstream:topic#key` for each, `local` where it goes nowhere; behind it what else is special. */
function told({ outcome, sent, quarantined }: Fate): string {
  if (quarantined !== undefined) return `quarantine ${quarantined}${outcome === 'disconnect' ? ', disconnect' : ''}`
  if (outcome !== 'deliver') return String(outcome)
  return targets(sent)
}

export function targets(sent: Fate['sent']): string {
  if (sent.length === 0) return 'local'
  const texts = sent.map((one) => {
    if ('refused' in one) return `${one.to} ${one.refused}`
    const marks = one.headers['valid'] === undefined ? '' : one.headers['errors'] === undefined ? ' pass' : ' tag'
    return `${one.to}:${one.topic}#${one.key ?? ''}${marks}`
  })
  return texts.join(', ')
}
