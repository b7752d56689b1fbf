/** What programs that embed the gateway import. */
import { hostname } from 'node:os'
import { EdgeError } from './core/errors.ts'
import { Gateway } from './gateway/gateway.ts'
import { levelOf } from './gateway/room-settings.ts'
import { upstreamSchemas } from './protocols/registry.ts'
import { loadSettings } from './settings/loading/load-settings.ts'
import { createLogger } from './telemetry/logging/logger.ts'

export interface CreateGatewayOptions {
  /** Configuration file; without it the defaults hold. */
  file?: string
  /** Settings over those of the file, in the shape of the YAML. */
  overrides?: NonNullable<Parameters<typeof loadSettings>[0]['overrides']>
  /** The gateway cannot go on and is being stopped: start another one. */
  onFatal?: (error: EdgeError) => void
}

/** A gateway that is not started yet. Throws the first EdgeError of a configuration that is not valid. */
export function createGateway(options: CreateGatewayOptions = {}): Gateway {
  const { file, overrides = {}, onFatal } = options
  const loaded = loadSettings({
    file,
    env: {},
    cwd: process.cwd(),
    hostName: hostname(),
    upstreams: upstreamSchemas,
    overrides,
  })
  if (!loaded.ok) throw loaded.errors[0] ?? new EdgeError('config-invalid', 'the configuration is not valid')
  const logger = createLogger({ level: levelOf(loaded.settings), secrets: loaded.secrets })
  const gateway: Gateway = new Gateway({
    settings: loaded.settings,
    logger,
    onFatal: (error) => {
      logger.error({ err: error }, `the gateway cannot go on: ${error.message}`)
      onFatal?.(error)
    },
  })
  return gateway
}

export { AsyncApiParser } from './asyncapi/documents/asyncapi-parser.ts'
export { EdgeError } from './core/errors.ts'
export { MessageRefused } from './core/refusal.ts'
export { AsyncApiManager } from './manager/asyncapi-manager.ts'
export type { PublishOptions, ReceivedMessage, RegisterOptions } from './manager/asyncapi-manager.ts'
export { FileAdapter } from './protocols/file/file-adapter.ts'
export { KafkaAdapter } from './protocols/kafka/kafka-adapter.ts'
export type { IncomingMessage, Outcome, OutgoingMessage, ProtocolAdapter } from './protocols/adapter.ts'
