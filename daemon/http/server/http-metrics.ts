import type { MetricSource } from '../../telemetry/metrics.ts'
import type { HttpCounts } from './server.ts'

/** Open streams, and the connections and requests that were cut or refused by a limit. */
export interface HttpFigures extends HttpCounts {
  streams: number
  sockets: number
  /** Streams that were cut because their readers stalled. */
  cutOff: number
}

export function httpMetrics(read: () => HttpFigures): MetricSource[] {
  const metric = (type: 'counter' | 'gauge', name: string, help: string, of: keyof HttpFigures): MetricSource => ({
    name,
    help,
    type,
    read: () => [{ value: read()[of] }],
  })
  return [
    metric('gauge', 'http_streams', 'Streams of events that are open.', 'streams'),
    metric('gauge', 'http_websockets', 'WebSockets of channels that are open.', 'sockets'),
    metric('counter', 'http_streams_cut_total', 'Streams cut off because their readers took nothing.', 'cutOff'),
    metric('counter', 'http_connections_refused_total', 'Connections closed above maxConnections.', 'refused'),
    metric('counter', 'http_connections_slow_total', 'Connections whose request took too long.', 'tooSlow'),
    metric('counter', 'http_bodies_refused_total', 'Requests whose bodies found no room.', 'bodiesRefused'),
  ]
}
