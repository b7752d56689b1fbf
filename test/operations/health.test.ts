import { describe, expect, test } from 'vitest'
import { EdgeError } from '../../daemon/core/errors.ts'
import type { DestinationStatus } from '../../daemon/forward/forwarder-messages.ts'
import { healthReport, type HealthReport } from '../../daemon/operations/health.ts'
import { destination } from './destination.ts'

interface World {
  recentRestarts?: number
  listening?: boolean
  anonymous?: boolean
  full?: string
  whenFull?: 'reject' | 'drop-oldest'
  destinations?: DestinationStatus[]
  unfinished?: { name: string; kept: boolean }[]
  failures?: { file: string; kept: boolean; errors: EdgeError[] }[]
}

/** The report of a gateway that has these problems and no others. */
function reportOf({
  recentRestarts,
  listening = true,
  anonymous = true,
  full,
  whenFull = 'reject',
  destinations = [],
  failures = [],
  unfinished = [],
}: World): HealthReport {
  return healthReport({
    listening: () => listening,
    settings: () => ({ store: { whenFull }, broker: { anonymous } }),
    failures: () => failures,
    unfinished: () => unfinished,
    forwarder: { destinations, recentRestarts },
    store: { full },
  })
}

describe('the health report', () => {
  test('of a gateway without problems is ready and gives no reasons', () => {
    expect(reportOf({ destinations: [destination()] })).toEqual({ ready: true, degraded: false, reasons: [] })
  })

  test('is not ready before the listeners are open', () => {
    const report = reportOf({ listening: false })
    expect(report.ready).toBe(false)
    expect(report.reasons).toEqual(['The MQTT listeners are not open yet.'])
  })

  test('is degraded where no device can connect, because there are no users', () => {
    const report = reportOf({ anonymous: false })
    expect(report).toMatchObject({ ready: true, degraded: true })
    expect(report.reasons).toEqual([expect.stringContaining('No device can connect')])
  })

  test('is not ready while a full store refuses messages, and only degraded while it makes room', () => {
    expect(reportOf({ full: 'it holds 2 GiB' })).toMatchObject({ ready: false, degraded: true })
    expect(reportOf({ full: 'it holds 2 GiB', whenFull: 'drop-oldest' })).toMatchObject({ ready: true, degraded: true })
  })

  test.each(['disconnected', 'degraded'] as const)('is degraded by an upstream that is %s, with its error', (state) => {
    const lastError = { code: 'upstream-unreachable', message: 'connect ECONNREFUSED', hint: '' }
    expect(reportOf({ destinations: [destination({ state, lastError })] })).toEqual({
      ready: true,
      degraded: true,
      reasons: [`Upstream events is ${state}: connect ECONNREFUSED.`],
    })
  })

  test('is degraded by a forwarder that was started again', () => {
    expect(reportOf({ recentRestarts: 2 }).reasons).toEqual([
      'The forwarder has ended and was started again (2 times since the start): see the log.',
    ])
  })

  test('is degraded by an upstream that does not answer, and by messages of one that is no longer configured', () => {
    const destinations = [destination({ state: 'stalled' }), destination({ name: 'old', state: 'stopped', queued: 7 })]
    expect(reportOf({ destinations }).reasons).toEqual([
      'Upstream events does not answer.',
      'Upstream old is no longer configured, and 7 messages wait for it.',
    ])
  })

  test('is degraded by damaged bytes that an upstream met', () => {
    expect(reportOf({ destinations: [destination({ damagedBytes: 12 })] }).reasons).toEqual([
      'Upstream events met 12 damaged bytes in the store.',
    ])
  })

  test('is degraded, and ready, while documents are being checked', () => {
    const unfinished = [
      { name: 'a.yaml', kept: false },
      { name: 'b.yaml', kept: true },
    ]
    expect(reportOf({ unfinished })).toEqual({
      ready: true,
      degraded: true,
      reasons: ['a.yaml is still being checked.', 'b.yaml is still being checked; its last good version is in force.'],
    })
  })

  test('names each document that did not load, and says whether its last good version serves', () => {
    const errors = [new EdgeError('document-syntax', 'unexpected end')]
    const failures = [
      { file: 'a.yaml', kept: true, errors },
      { file: 'b.yaml', kept: false, errors },
    ]
    expect(reportOf({ failures }).reasons).toEqual([
      'a.yaml did not load (document-syntax); its last good version is in force.',
      'b.yaml did not load (document-syntax).',
    ])
  })
})
