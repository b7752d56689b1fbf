import { collectDefaultMetrics, Counter as PromCounter, Gauge, Registry } from 'prom-client'
import { OTHER } from './counters.ts'

const PREFIX = 'stepflow_'
const MAX_SERIES = 500
/** Interval of event-loop lag samples; a shorter one wakes an idle machine more often (`quiet`). */
const LAG_SAMPLE_MS = 20

export interface Sample {
  labels?: Readonly<Record<string, string>>
  value: number
}

/** A metric whose number has its owner elsewhere and is read at each scrape. */
export interface MetricSource {
  /** Without the prefix. Counters end in `_total`; the unit is part of the name (`store_bytes`). */
  name: string
  help: string
  type: 'counter' | 'gauge'
  labelNames?: readonly string[]
  read: () => Iterable<Sample>
}

export interface Metrics {
  /** Prometheus text format. */
  text(): Promise<string>
  readonly contentType: string
}

export function createMetrics(sources: readonly MetricSource[]): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: PREFIX, eventLoopMonitoringPrecision: LAG_SAMPLE_MS })
  for (const source of sources) register(registry, source)
  return { text: () => registry.metrics(), contentType: registry.contentType }
}

function register(registry: Registry, source: MetricSource): void {
  const labelNames = [...(source.labelNames ?? [])]
  const common = { name: PREFIX + source.name, help: source.help, labelNames, registers: [registry] }
  if (source.type === 'counter') {
    const metric = new PromCounter({
      ...common,
      collect: () => {
        metric.reset()
        for (const { labels, value } of bounded(source.read(), labelNames)) metric.inc(labels, value)
      },
    })
  } else {
    const metric = new Gauge({
      ...common,
      collect: () => {
        metric.reset()
        for (const { labels, value } of bounded(source.read(), labelNames)) metric.inc(labels, value)
      },
    })
  }
}

/** Beyond the bound, samples are added up under `other`, so that sums stay right and the page small. */
function* bounded(samples: Iterable<Sample>, labelNames: readonly string[]): IterableIterator<Required<Sample>> {
  const overflow = Object.fromEntries(labelNames.map((name) => [name, OTHER]))
  let series = 0
  for (const sample of samples) {
    series += 1
    yield { labels: series > MAX_SERIES ? overflow : (sample.labels ?? {}), value: sample.value }
  }
}
