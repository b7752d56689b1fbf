import { createRequire } from 'node:module'
import type Kafkajs from 'kafkajs'
import { gzipCodec, zstdCodec } from './compression-codecs.ts'
import { COMPRESSION } from './kafka-options.ts'

interface RequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(): void
}

let isReady = false

/**
 * kafkajs with our codecs, loaded when first asked for: 18 MB that other protocols do not need. Its queue of requests looks for requests that wait,
 * once a millisecond and connection for as long as the process lives, from the first answer on and whether or not there are any
 * (tulios/kafkajs#1704): here it looks only while there are.
 */
export async function loadKafkajs(): Promise<typeof Kafkajs> {
  const { default: kafkajs } = await import('kafkajs')
  if (isReady) return kafkajs
  mendRequestQueue()
  kafkajs.CompressionCodecs[COMPRESSION.gzip] = () => gzipCodec
  kafkajs.CompressionCodecs[COMPRESSION.zstd] = () => zstdCodec
  isReady = true
  return kafkajs
}

function mendRequestQueue(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as {
    prototype: RequestQueue
  }
  const { scheduleCheckPendingRequests } = prototype
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0) scheduleCheckPendingRequests.call(this)
  }
}
