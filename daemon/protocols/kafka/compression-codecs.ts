import { promisify } from 'node:util'
import { constants, gzip, gzipSync, unzip, zstdCompress, zstdCompressSync, zstdDecompress } from 'node:zlib'

/** What kafkajs asks of a codec. */
interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>
  decompress(bytes: Buffer): Promise<Buffer>
}

/** Up to here the way to another thread and back costs more than the work: five times as much for a single message. */
const SMALL_BYTES = 64 * 1024
/** Level 1 costs less than the bytes it saves. */
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

const gzipElsewhere = promisify(gzip)
const zstdElsewhere = promisify(zstdCompress)

export const gzipCodec: Codec = {
  compress: async ({ buffer }) => (buffer.length <= SMALL_BYTES ? gzipSync(buffer) : gzipElsewhere(buffer)),
  decompress: promisify(unzip),
}

/** kafkajs names the codec but leaves the work to us. */
export const zstdCodec: Codec = {
  compress: async ({ buffer }) =>
    buffer.length <= SMALL_BYTES ? zstdCompressSync(buffer, ZSTD) : zstdElsewhere(buffer, ZSTD),
  decompress: promisify(zstdDecompress),
}
