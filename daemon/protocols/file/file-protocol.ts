import { DEFAULT_BATCH_BYTES, DEFAULT_LINGER_MS, defineProtocol } from '../protocol.ts'
import { type FileConfig, type FileUpstream, fileUpstreamSchema } from './file-settings.ts'

export const fileProtocol = defineProtocol<FileUpstream, FileConfig>({
  name: 'file',
  schema: fileUpstreamSchema,
  batchPolicy: () => ({ maxBatchBytes: DEFAULT_BATCH_BYTES, lingerMs: DEFAULT_LINGER_MS }),
  async load({ directory, rotateBytes, maxBytes }, { logger }) {
    const { FileAdapter } = await import('./file-adapter.ts')
    return { adapter: new FileAdapter({ logger }), config: { directory, rotateBytes, maxBytes } }
  },
})
