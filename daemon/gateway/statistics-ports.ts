import type { ForwardedCount } from '../forward/forwarder-messages.ts'
import type { LogStore } from '../store/log/log-store.ts'
import type { StatisticsReader } from '../store/tables/statistics.ts'
import { LatencyHistogram } from '../telemetry/statistics/latency-histogram.ts'
import type { StatisticsStore } from '../telemetry/statistics/statistics-rows.ts'
import type { Statistics } from '../telemetry/statistics/statistics.ts'

/** Writes statistics to the store, in the commits of messages. */
export function statisticsStore({ log }: LogStore, reader: StatisticsReader): StatisticsStore {
  return {
    save: (rows) => log.put({ type: 'statistics', rows }),
    trim: (step, before) => log.put({ type: 'statistics-trim', step, before }),
    trimConnections: (step, before) => log.put({ type: 'statistics-trim', step, before, connections: true }),
    load: (step, from, to, scope, key) => reader.between(step, from, to - 1, scope, key),
  }
}

/** Adds the counts of the forwarder's thread to the statistics. */
export function countForwarded(statistics: Statistics, counts: readonly ForwardedCount[]): void {
  for (const { channelIds, destination, delivered, deadLettered, latency } of counts) {
    if (delivered > 0) statistics.forwarded(channelIds, destination, delivered, LatencyHistogram.fromJson(latency))
    if (deadLettered > 0) statistics.deadLettered(channelIds, destination, deadLettered)
  }
}
