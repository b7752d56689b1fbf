import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** kafkajs names the codec but leaves the work to us; level 1 costs less than the bytes it saves. */
export const zstdCodec = {
  compress: (encoder: { buffer: Buffer }): Promise<Buffer> =>
    compress(encoder.buffer, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
  decompress: (bytes: Buffer): Promise<Buffer> => decompress(bytes),
}
