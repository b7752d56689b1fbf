import { EdgeError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { isLoopback } from '../core/loopback.ts'
import type { Authorize } from '../ports/identity.ts'
import type { Settings } from '../settings/settings.ts'
import { AdminKey } from './admin-key.ts'
import { presentedKey } from './presented-key.ts'

export interface GatewayAccess {
  /** Nobody beyond this machine can reach a listener. */
  local: boolean
  /** Absent while every caller is trusted. */
  authorize: Authorize | undefined
  /** The admin key, if it was made just now. */
  freshKey: string | undefined
}

/** Who may call: anybody on this machine while nothing listens beyond loopback, else whoever has the admin key. */
export function gatewayAccess({ http, broker, store }: Settings, logger: Logger): GatewayAccess {
  if ([http, ...broker.listeners].every(({ host }) => isLoopback(host)))
    return { local: true, authorize: undefined, freshKey: undefined }
  const key = openKey(store.directory, logger)
  return {
    local: false,
    freshKey: key?.fresh,
    authorize({ headers, caller }) {
      if (caller !== undefined) return Promise.resolve(caller)
      const given = presentedKey(headers)
      const isAdmin = given !== undefined && key?.accepts(given) === true
      return Promise.resolve(isAdmin ? { name: 'admin', admin: true } : 'unauthenticated')
    },
  }
}

/** Devices are served with or without it. */
function openKey(directory: string, logger: Logger): AdminKey | undefined {
  try {
    const key = AdminKey.open(directory)
    logger.warn({ file: key.file }, `the API takes the admin key in ${key.file}`)
    return key
  } catch (error) {
    if (!(error instanceof EdgeError)) throw error
    const { code, message, hint } = error
    logger.error({ code, err: error, hint }, `there is no admin key, the API lets nobody in: ${message}`)
    return undefined
  }
}
