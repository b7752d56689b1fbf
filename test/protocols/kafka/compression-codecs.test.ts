import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { gzipCodec, zstdCodec } from '../../../daemon/protocols/kafka/compression-codecs.ts'

const record = Buffer.from('{"temperature":21.5,"humidity":40}')

describe.each([
  { name: 'gzip', codec: gzipCodec, read: gunzipSync },
  { name: 'zstd', codec: zstdCodec, read: zstdDecompressSync },
])('$name', ({ codec, read }) => {
  test.each([
    { input: 'an empty batch', buffer: Buffer.alloc(0) },
    { input: 'a lone message', buffer: record },
    { input: 'the largest batch that is compressed at once', buffer: Buffer.alloc(64 * 1024, record) },
    { input: 'a batch that another thread compresses', buffer: Buffer.alloc(64 * 1024 + 1, record) },
  ])('$input can be decompressed by others and by itself', async ({ buffer }) => {
    const compressed = await codec.compress({ buffer })
    expect(read(compressed).equals(buffer)).toBe(true)
    expect((await codec.decompress(compressed)).equals(buffer)).toBe(true)
  })

  test('a damaged batch is refused', async () => {
    const compressed = await codec.compress({ buffer: record })
    await expect(codec.decompress(compressed.subarray(0, compressed.length - 6))).rejects.toThrow()
  })
})
