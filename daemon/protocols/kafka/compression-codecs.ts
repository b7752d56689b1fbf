import { promisify } from 'node:util'
import { constants, gzip, gzipSync, unzip, zstdCompress, zstdCompressSync, zstdDecompress } from 'node:zlib'

/** The interface of a kafkajs codec. */
interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>
  decompress(bytes: Buffer): Promise<Buffer>
}

/** Smaller buffers are compressed on this thread: handing one message to another thread costs five times the work itself. */
const SMALL_BYTES = 64 * 1024
/** The fastest level; higher ones cost more processor time than their smaller output saves. */
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

const gzipOnThread = promisify(gzip)
const zstdOnThread = promisify(zstdCompress)

export const gzipCodec: Codec = {
  compress: async ({ buffer }) => (buffer.length <= SMALL_BYTES ? gzipSync(buffer) : gzipOnThread(buffer)),
  decompress: promisify(unzip),
}

/** kafkajs knows zstd by name only and has no codec for it. */
export const zstdCodec: Codec = {
  compress: async ({ buffer }) =>
    buffer.length <= SMALL_BYTES ? zstdCompressSync(buffer, ZSTD) : zstdOnThread(buffer, ZSTD),
  decompress: promisify(zstdDecompress),
}
