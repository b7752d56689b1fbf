/** Prometheus' text format: the sum over all label values for each name. */
export function parseMetrics(text: string): Map<string, number> {
  const sums = new Map<string, number>()
  for (const [, name = '', value] of text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)/gm)) {
    sums.set(name, (sums.get(name) ?? 0) + Number(value))
  }
  return sums
}

/** The one whose name ends so; fails where there is none. */
export function metricEndingWith(metrics: ReadonlyMap<string, number>, ending: string): number {
  for (const [name, value] of metrics) if (name.endsWith(ending)) return value
  throw new Error(`/metrics has nothing that ends with ${ending}`)
}
