import { record, variants } from '../schema/schema-collections.ts'
import type { Schema } from '../schema/schema.ts'
import { type FileUpstream, fileUpstreamSchema } from './file-upstream.ts'
import { type KafkaUpstream, kafkaUpstreamSchema } from './kafka-upstream.ts'

export type UpstreamSettings = KafkaUpstream | FileUpstream

const upstream = variants<UpstreamSettings>('protocol', { kafka: kafkaUpstreamSchema, file: fileUpstreamSchema })

/** Destinations by name; `broker` is the embedded broker's. */
export const upstreamsSchema: Schema<Record<string, UpstreamSettings>> = record(
  { pattern: /^[A-Za-z0-9._-]{1,64}$/, expected: '1 to 64 of A-Z a-z 0-9 . _ -', reserved: ['broker'] },
  upstream,
)
