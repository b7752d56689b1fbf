import type { LoadResult } from './load-generator.ts'
import { runForJson } from './run-process.ts'

export interface LoadOptions {
  clients?: number
  /** Messages of one client in flight. */
  window?: number
  /** With `{client}` and `{topic}`. */
  topic?: string
  topics?: number
  payload?: string
}

/** Slower than this is no rate but a standstill. */
const SLOWEST_RATE = 200
const GRACE_MS = 60_000

/** As fast as it goes, by default with 20 clients of 100 messages in flight; resolves at the last acknowledgement. */
export function publishTotal(port: number, total: number, options: LoadOptions = {}): Promise<LoadResult> {
  return generate(port, { ...options, total }, (total / SLOWEST_RATE) * 1000)
}

export interface SteadyResult extends LoadResult {
  latencyMs: { p50: number; p99: number; max: number }
}

/** So many messages a second for so long; a broker that stalls finds all of them when it is back. `under`: a command that runs the generator. */
export async function publishSteadily(
  port: number,
  rate: number,
  seconds: number,
  options: LoadOptions = {},
  under: readonly string[] = [],
): Promise<SteadyResult> {
  const result = await generate(port, { window: 1000, ...options, rate, seconds }, seconds * 1000, under)
  const { latencyMs } = result
  if (latencyMs === undefined) throw new Error('the load generator measured no latency')
  return { ...result, latencyMs }
}

async function generate(
  port: number,
  options: Readonly<Record<string, unknown>>,
  timeMs: number,
  under: readonly string[] = [],
): Promise<LoadResult> {
  const args = Object.entries({ port, ...options }).flatMap(([name, value]) => [`--${name}`, String(value)])
  const result = await runForJson('load-generator.ts', args, timeMs + GRACE_MS, under)
  if (!isLoadResult(result)) throw new Error('the load generator printed something else than its result')
  return result
}

function isLoadResult(value: unknown): value is LoadResult {
  return typeof value === 'object' && value !== null && 'rate' in value && typeof value.rate === 'number'
}
