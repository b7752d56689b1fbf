import type { MessagePort } from 'node:worker_threads'
import type { Clock } from '../core/clock.ts'
import type { EdgeError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { readBootId } from '../platform/boot-id.ts'
import { readMachineId } from '../platform/machine-id.ts'
import type { SessionStore } from '../ports/publication.ts'
import type { Settings } from '../settings/settings.ts'
import { LogStore } from '../store/log/log-store.ts'
import type { MessageLog } from '../store/log/message-log.ts'
import type { StartState } from '../store/start-state.ts'
import { limitsOf } from './room-settings.ts'

export interface GatewayStoreOptions {
  settings: Settings
  clock: Clock
  clockSynced: boolean
  logger: Logger
  onFatal: (error: EdgeError) => void
  /** Called for each new log writer, with its port for the forwarder. */
  onWriter: (port: MessagePort) => void
}

/** Opens the store and logs what had to be salvaged. Throws as LogStore does. */
export function openGatewayStore(options: GatewayStoreOptions): LogStore {
  const { settings, logger, ...rest } = options
  const { directory, durability, maxBytes, whenFull } = settings.store
  const store = new LogStore({
    directory,
    durability,
    maxBytes,
    whenFull,
    limits: limitsOf(settings),
    gatewayId: settings.gateway.id,
    machineId: readMachineId() ?? '',
    bootId: readBootId(),
    logger,
    ...rest,
  })
  const { salvaged } = store.opened
  if (salvaged !== undefined)
    logger.error(
      { code: 'store-failed', ...salvaged },
      `the store was damaged: ${salvaged.messages} messages were salvaged, the rest is in ${salvaged.aside}`,
    )
  return store
}

/** Retained messages and packet ids of the broker, written in the commits of messages. */
export function sessionStore({ incoming, retained }: StartState, log: MessageLog): SessionStore {
  return {
    incoming,
    retained,
    rememberIncoming: (clientId, packetId) => log.put({ type: 'incoming', clientId, packetId }),
    forgetIncoming: (clientId, packetId, done) =>
      log.put({ type: 'incoming-delete', clientId, packetId }, () => done()),
    clearIncoming: (clientId) => log.put({ type: 'incoming-clear', clientId }),
  }
}
