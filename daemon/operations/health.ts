import type { OperationsSources } from './sources.ts'

export interface HealthReport {
  /** Listening, and the store takes writes. */
  ready: boolean
  /** Works, but something needs a look: an upstream is down, a document did not load. */
  degraded: boolean
  /** One plain sentence each. */
  reasons: readonly string[]
}

export type HealthSources = Pick<OperationsSources, 'store' | 'forwarder' | 'failures' | 'settings' | 'listening'>

/** Ready: devices and readers are served. Degraded: the reasons say in one sentence each what an operator should look at. */
export function healthReport({ store, forwarder, failures, settings, listening }: HealthSources): HealthReport {
  const reasons: string[] = []
  if (!listening()) reasons.push('The MQTT listeners are not open yet.')
  if (store.full !== undefined) reasons.push(`The store takes no messages: ${store.full}.`)
  const ready = reasons.length === 0 || (listening() && settings().store.whenFull !== 'reject')
  for (const { file, errors, kept } of failures())
    reasons.push(
      `${file} did not load (${errors[0]?.code ?? 'unknown'})${kept ? '; its last good version is in force' : ''}.`,
    )
  for (const one of forwarder.destinations) {
    if (one.state === 'disconnected' || one.state === 'degraded')
      reasons.push(`Upstream ${one.name} is ${one.state}: ${one.lastError?.message ?? 'no answer'}.`)
    if (one.damagedBytes > 0) reasons.push(`Upstream ${one.name} met ${one.damagedBytes} damaged bytes in the store.`)
  }
  return { ready, degraded: reasons.length > 0, reasons }
}
