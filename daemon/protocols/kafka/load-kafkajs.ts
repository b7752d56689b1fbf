import { createRequire } from 'node:module'
import type Kafkajs from 'kafkajs'
import type { Logger } from '../../core/logger.ts'
import { COMPRESSION } from './client-options.ts'
import { gzipCodec, zstdCodec } from './compression-codecs.ts'

/** The version whose private parts `request-queues.ts` and `prepared-messages.ts` were written for. */
const KNOWN_VERSION = '2.2.4'

export interface LoadedKafkajs {
  kafkajs: typeof Kafkajs
  /** Whether its private parts are the ones that our code was written for. */
  isKnownVersion: boolean
}

let loaded: LoadedKafkajs | undefined

/**
 * kafkajs with our codecs, imported at the first call: it takes 18 MB that other protocols do not need.
 *
 * Codecs can be registered only for the whole module, as kafkajs documents it; a program that embeds `KafkaAdapter` on the same
 * thread sees them, too. They write the same formats, and zstd fails without them. Everything else is left as it was.
 */
export async function loadKafkajs(logger: Logger): Promise<LoadedKafkajs> {
  const { default: kafkajs } = await import('kafkajs')
  if (loaded !== undefined) return loaded
  kafkajs.CompressionCodecs[COMPRESSION.gzip] = () => gzipCodec
  kafkajs.CompressionCodecs[COMPRESSION.zstd] = () => zstdCodec
  const { version } = createRequire(import.meta.url)('kafkajs/package.json') as { version: string }
  loaded = { kafkajs, isKnownVersion: isKnown(version, logger) }
  return loaded
}

/** Says once, in the log, that an unknown version is used by its public interface only. */
export function isKnown(version: string, logger: Logger): boolean {
  if (version === KNOWN_VERSION) return true
  logger.warn(
    { version, known: KNOWN_VERSION },
    `kafkajs ${version} is not the version that this was written for (${KNOWN_VERSION}): forwarding takes more processor time`,
  )
  return false
}
