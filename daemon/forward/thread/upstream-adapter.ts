import { readFileSync } from 'node:fs'
import { EdgeError, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { ProtocolAdapter } from '../../protocols/adapter.ts'
import type { KafkaUpstream, UpstreamTls } from '../../settings/sections/kafka-upstream.ts'
import type { UpstreamSettings } from '../../settings/sections/upstream-settings.ts'

/** Connects to an upstream as it is configured. A protocol's code is loaded when the first upstream needs it. */
export async function connectUpstream(
  upstream: UpstreamSettings,
  gatewayId: string,
  logger: Logger,
): Promise<ProtocolAdapter> {
  switch (upstream.protocol) {
    case 'file': {
      const { FileAdapter } = await import('../../protocols/file/file-adapter.ts')
      const adapter = new FileAdapter({ logger })
      const { directory, rotateBytes, maxBytes } = upstream
      await adapter.connect({ directory, rotateBytes, maxBytes })
      return adapter
    }
    case 'kafka': {
      const { KafkaAdapter } = await import('../../protocols/kafka/kafka-adapter.ts')
      const adapter = new KafkaAdapter({ logger })
      await adapter.connect(kafkaConfig(upstream, gatewayId))
      return adapter
    }
  }
}

function kafkaConfig(upstream: KafkaUpstream, gatewayId: string) {
  const { brokers, clientId, sasl, tls, compression, deadlineMs } = upstream
  return {
    brokers,
    clientId: clientId ?? `stepflow-${gatewayId}`,
    groupId: `stepflow-${gatewayId}`,
    compression,
    deadlineMs,
    ...(sasl === undefined ? {} : { sasl }),
    ...(tls === undefined ? {} : { tls: tlsTexts(tls) }),
  }
}

/** Read at every connect, so that a renewed certificate is used from the next one on. */
function tlsTexts(tls: UpstreamTls): { ca?: string; cert?: string; key?: string; serverName?: string } {
  const texts: { ca?: string; cert?: string; key?: string; serverName?: string } = {}
  for (const name of ['ca', 'cert', 'key'] as const) {
    const file = tls[name]
    if (file === undefined) continue
    try {
      texts[name] = readFileSync(file, 'utf8')
    } catch (error) {
      throw new EdgeError('upstream-tls', `${name} cannot be read: ${messageOf(error)}`, {
        cause: error,
        place: { file },
      })
    }
  }
  return tls.serverName === undefined ? texts : { ...texts, serverName: tls.serverName }
}
