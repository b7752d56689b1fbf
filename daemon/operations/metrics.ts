import type { ForwarderHandle } from '../forward/forwarder-handle.ts'
import type { Counter } from '../telemetry/counters.ts'
import type { MetricSource } from '../telemetry/metrics.ts'
import type { OperationsSources } from './sources.ts'
import { storeBytes } from './store-bytes.ts'

/** The figures of `/metrics`. */
export function gatewayMetrics(sources: OperationsSources): MetricSource[] {
  const { counts, broker, forwarder, store, retained } = sources
  const counter = (name: string, help: string, value: () => number): MetricSource => ({
    name,
    help,
    type: 'counter',
    read: () => [{ value: value() }],
  })
  const gauge = (name: string, help: string, value: () => number): MetricSource => ({
    name,
    help,
    type: 'gauge',
    read: () => [{ value: value() }],
  })
  const perDestination = (
    name: string,
    help: string,
    type: 'counter' | 'gauge',
    pick: (one: ForwarderHandle['destinations'][number]) => number,
  ): MetricSource => ({
    name,
    help,
    type,
    labelNames: ['destination'],
    read: () => forwarder.destinations.map((one) => ({ labels: { destination: one.name }, value: pick(one) })),
  })
  const perReason = (name: string, help: string, counts: Counter): MetricSource => ({
    name,
    help,
    type: 'counter',
    labelNames: ['reason'],
    read: () => [...counts.entries()].map(([reason, value]) => ({ labels: { reason }, value })),
  })
  return [
    counter('messages_received_total', 'Messages that devices and sensors have published.', () => counts.received),
    counter('messages_received_bytes_total', 'Bytes of their payloads.', () => counts.receivedBytes),
    counter('messages_stored_total', 'Messages that became durable in the log.', () => counts.stored),
    counter(
      'messages_unavailable_total',
      'Messages that could not be stored and were not acknowledged.',
      () => counts.unavailable,
    ),
    counter(
      'messages_dropped_total',
      'Messages dropped because the store was full.',
      () => counts.droppedWhileFull + store.droppedNewest,
    ),
    counter(
      'messages_wrong_direction_total',
      'Messages of devices on channels that only the application sends on.',
      () => counts.wrongDirection,
    ),
    {
      name: 'messages_rejected_total',
      help: 'Messages refused, by reason.',
      type: 'counter',
      labelNames: ['code'],
      read: () => [...counts.refusedByCode].map(([code, value]) => ({ labels: { code }, value })),
    },
    gauge('mqtt_clients', 'Clients connected.', () => broker.clients),
    perReason('mqtt_connections_refused_total', 'Connections not let in, by reason.', broker.traces.refusedBy),
    perReason('mqtt_connections_closed_total', 'Connections closed by the broker, by reason.', broker.traces.closedBy),
    counter(
      'mqtt_subscriptions_refused_total',
      'Topic filters that were not granted.',
      () => broker.traces.refusedSubscriptions,
    ),
    counter(
      'mqtt_connections_closed_full_total',
      'Connections closed because the store took nothing.',
      () => broker.closedWhileFull,
    ),
    counter(
      'mqtt_connections_closed_size_total',
      'Connections closed because a packet declared more than maxPacketSize.',
      () => broker.closedForSize,
    ),
    counter(
      'mqtt_retained_refused_total',
      'Messages that were delivered but not retained: there were maxRetained already.',
      () => retained.refused,
    ),
    gauge('store_bytes', 'Bytes of database and WAL.', () => storeBytes(sources.settings().store.directory)),
    gauge('store_full', '1 while the store takes nothing.', () => (store.full === undefined ? 0 : 1)),
    gauge('store_pending_messages', 'Messages that wait for their commit.', () => store.log.pending.messages),
    perDestination(
      'destination_delivered_total',
      'Messages that a destination has confirmed.',
      'counter',
      (one) => one.delivered,
    ),
    perDestination(
      'destination_dead_lettered_total',
      'Messages that a destination refused for good.',
      'counter',
      (one) => one.deadLettered,
    ),
    perDestination('destination_dropped_total', 'Messages given up to make room.', 'counter', (one) => one.dropped),
    perDestination('destination_expired_total', 'Messages that became too old.', 'counter', (one) => one.expired),
    perDestination('destination_queued', 'Messages that wait for a destination.', 'gauge', (one) => one.queued),
    perDestination('destination_up', '1 while the destination is connected.', 'gauge', (one) =>
      one.state === 'connected' ? 1 : 0,
    ),
  ]
}
