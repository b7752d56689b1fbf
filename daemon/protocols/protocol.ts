import { EdgeError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Schema } from '../settings/schema/schema.ts'
import type { UpstreamSettings } from '../settings/sections/upstream-common.ts'
import type { OutgoingAdapter } from './adapter.ts'

/** The gateway's own facts that an adapter needs beside the settings of its upstream. */
export interface UpstreamContext {
  gatewayId: string
  logger: Logger
}

/** How the forwarder groups the messages of an upstream into sends. */
export interface BatchPolicy {
  maxBatchBytes: number
  /** How long a small batch waits for more messages. */
  lingerMs: number
}

export const DEFAULT_BATCH_BYTES = 256 * 1024
export const DEFAULT_LINGER_MS = 10

/** An adapter, and the configuration that its `connect` takes. */
export interface LoadedAdapter<Config> {
  adapter: OutgoingAdapter<Config>
  config: Config
}

/** One protocol as its folder describes it. */
export interface ProtocolDefinition<Upstream extends UpstreamSettings, Config> {
  /** The value of `protocol` in the settings. */
  name: Upstream['protocol']
  schema: Schema<Upstream>
  batchPolicy: (upstream: Upstream) => BatchPolicy
  /** Imports the adapter's code, so that a protocol without upstreams costs nothing. Called at each attempt to connect. */
  load: (upstream: Upstream, context: UpstreamContext) => Promise<LoadedAdapter<Config>>
}

/** One protocol as the registry holds it, for upstreams whose protocol is known by name only. */
export interface Protocol {
  readonly schema: Schema<UpstreamSettings>
  batchPolicy(upstream: UpstreamSettings): BatchPolicy
  /** Resolves to an adapter that is connected. */
  connect(upstream: UpstreamSettings, context: UpstreamContext): Promise<OutgoingAdapter>
}

export function defineProtocol<Upstream extends UpstreamSettings, Config>(
  definition: ProtocolDefinition<Upstream, Config>,
): Protocol {
  const { name, schema, batchPolicy, load } = definition
  // The schema that read the upstream was chosen by the same name.
  const isOwn = (upstream: UpstreamSettings): upstream is Upstream => upstream.protocol === name
  const own = (upstream: UpstreamSettings): Upstream => {
    if (isOwn(upstream)) return upstream
    throw new EdgeError('internal', `an upstream of the protocol ${upstream.protocol} was handed to ${name}`)
  }
  return {
    schema,
    batchPolicy: (upstream) => batchPolicy(own(upstream)),
    async connect(upstream, context) {
      const { adapter, config } = await load(own(upstream), context)
      await adapter.connect(config)
      return adapter
    },
  }
}
