import type { Settings } from '../settings/settings.ts'
import { shutOut } from '../settings/shut-out.ts'
import type { OperationsSources } from './sources.ts'

export interface HealthReport {
  /** Listening, and the store takes writes. */
  ready: boolean
  /** Serves, but something needs attention: an upstream is down, a document did not load or is still being checked. */
  degraded: boolean
  /** One sentence for each problem. */
  reasons: readonly string[]
}

export interface HealthSources extends Pick<OperationsSources, 'failures' | 'unfinished' | 'listening'> {
  settings: () => { store: Pick<Settings['store'], 'whenFull'>; broker: Pick<Settings['broker'], 'anonymous'> }
  store: Pick<OperationsSources['store'], 'full'>
  forwarder: Pick<OperationsSources['forwarder'], 'destinations' | 'recentRestarts'>
}

/** The health of the gateway, as `/readyz` and the page show it. */
export function healthReport({
  store,
  forwarder,
  failures,
  unfinished,
  settings,
  listening,
}: HealthSources): HealthReport {
  const reasons: string[] = []
  if (!listening()) reasons.push('The MQTT listeners are not open yet.')
  if (store.full !== undefined) reasons.push(`The store takes no messages: ${store.full}.`)
  const ready = reasons.length === 0 || (listening() && settings().store.whenFull !== 'reject')
  const shut = shutOut(settings().broker)
  if (shut !== undefined) reasons.push(shut)
  for (const { name, kept } of unfinished())
    reasons.push(`${name} is still being checked${kept ? '; its last good version is in force' : ''}.`)
  for (const { file, errors, kept } of failures())
    reasons.push(
      `${file} did not load (${errors[0]?.code ?? 'unknown'})${kept ? '; its last good version is in force' : ''}.`,
    )
  const { recentRestarts } = forwarder
  if (recentRestarts !== undefined)
    reasons.push(
      `The forwarder has ended and was started again (${recentRestarts} times since the start): see the log.`,
    )
  for (const one of forwarder.destinations) {
    if (one.state === 'stalled') reasons.push(`Upstream ${one.name} does not answer.`)
    if (one.state === 'disconnected' || one.state === 'degraded')
      reasons.push(`Upstream ${one.name} is ${one.state}: ${one.lastError?.message ?? 'no answer'}.`)
    if (one.state === 'stopped' && one.queued > 0)
      reasons.push(`Upstream ${one.name} is no longer configured, and ${one.queued} messages wait for it.`)
    if (one.damagedBytes > 0) reasons.push(`Upstream ${one.name} met ${one.damagedBytes} damaged bytes in the store.`)
  }
  return { ready, degraded: reasons.length > 0, reasons }
}
