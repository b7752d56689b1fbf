import { defineProtocol } from '../protocol.ts'
import { type KafkaConfig, kafkaConfigOf } from './kafka-config.ts'
import { type KafkaUpstream, kafkaUpstreamSchema } from './kafka-settings.ts'

export const kafkaProtocol = defineProtocol<KafkaUpstream, KafkaConfig>({
  name: 'kafka',
  schema: kafkaUpstreamSchema,
  batchPolicy: ({ maxBatchBytes, lingerMs }) => ({ maxBatchBytes, lingerMs }),
  async load(upstream, { gatewayId, logger }) {
    const { KafkaAdapter } = await import('./kafka-adapter.ts')
    return { adapter: new KafkaAdapter({ logger }), config: kafkaConfigOf(upstream, gatewayId) }
  },
})
