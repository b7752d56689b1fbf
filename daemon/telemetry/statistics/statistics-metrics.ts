import type { MetricSource, Sample } from '../metrics.ts'
import type { Percentiles, StatisticsReport } from './statistics-view.ts'
import type { Statistics } from './statistics.ts'

/** Channels with series of their own: the busiest since the start. */
const MAX_CHANNELS = 100

/** Metrics of the statistics: counts of each channel since the start, latencies of the last minute. */
export function statisticsMetrics(statistics: Statistics, lastMinute: () => StatisticsReport): MetricSource[] {
  const perChannel = (name: string, help: string, pick: 'received' | 'rejected'): MetricSource => ({
    name,
    help,
    type: 'counter',
    labelNames: ['channel', 'document'],
    read: () =>
      [...statistics.channelTallies()]
        .map(({ subject, cumulative }) => ({ subject, cumulative }))
        .sort((a, b) => b.cumulative.received - a.cumulative.received)
        .slice(0, MAX_CHANNELS)
        .map(({ subject: { name: channel, document }, cumulative }) => ({
          labels: { channel, document },
          value: cumulative[pick],
        })),
  })
  const latency = (name: string, help: string, pick: 'durable' | 'confirmed'): MetricSource => ({
    name,
    help,
    type: 'gauge',
    labelNames: ['quantile'],
    read: () => samplesOf(lastMinute().totals.latency[pick]),
  })
  return [
    perChannel('channel_messages_received_total', 'Messages of a channel, the refused ones included.', 'received'),
    perChannel('channel_messages_rejected_total', 'Refused messages of a channel.', 'rejected'),
    latency('message_durable_seconds', 'From receipt to durable, over the last minute.', 'durable'),
    latency('message_confirmed_seconds', 'From durable to confirmed, over the last minute.', 'confirmed'),
  ]
}

function samplesOf({ p50, p95, p99 }: Percentiles): Sample[] {
  return Object.entries({ '0.5': p50, '0.95': p95, '0.99': p99 }).flatMap(([quantile, ms]) =>
    ms === null ? [] : [{ labels: { quantile }, value: ms / 1_000 }],
  )
}
