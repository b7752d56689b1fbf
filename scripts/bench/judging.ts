import { waitUntil } from '../../test/servers/wait-until.ts'
import type { Daemon } from './daemon.ts'
import { INVALID_PAYLOAD } from './documents.ts'
import { type LoadOptions, publishTotal } from './load.ts'
import { metricEndingWith } from './metrics-text.ts'

async function readCounts(daemon: Daemon): Promise<{ stored: number; rejected: number }> {
  const metrics = await daemon.metrics()
  return {
    stored: metricEndingWith(metrics, 'messages_stored_total'),
    // No series before the first one.
    rejected: metrics.get('stepflow_messages_rejected_total') ?? 0,
  }
}

/**
 * A daemon that does not check, does not store, or refuses everything would be fast: shows that it refuses a wrong
 * payload. What it resolves to shows later that all else was stored and nothing of it refused.
 */
export async function expectJudging(
  daemon: Daemon,
  load: LoadOptions = {},
): Promise<(published: number) => Promise<void>> {
  await publishTotal(daemon.mqttPort, 1, { ...load, clients: 1, window: 1, payload: INVALID_PAYLOAD })
  await waitUntil(
    () => 'the daemon has counted the message that does not fit its document',
    async () => (await readCounts(daemon)).rejected > 0,
    5000,
  )
  const before = await readCounts(daemon)
  return async (published) => {
    const after = await readCounts(daemon)
    const rejected = after.rejected - before.rejected
    const stored = after.stored - before.stored
    if (rejected === 0 && stored === published) return
    throw new Error(`of ${published} valid messages the daemon stored ${stored} and refused ${rejected}`)
  }
}
