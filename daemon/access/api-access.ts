import { EdgeError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { isLoopback } from '../core/loopback.ts'
import type { Authorize } from '../ports/identity.ts'
import type { Settings } from '../settings/settings.ts'
import { AdminKey } from './admin-key.ts'
import { presentedKey } from './presented-key.ts'

export interface GatewayAccess {
  /** All listeners are on loopback. */
  local: boolean
  /** Absent where every caller is trusted. */
  authorize: Authorize | undefined
  /** The admin key, if this start has generated it. */
  freshKey: string | undefined
}

/** Decides who may call the API: every caller while all listeners are on loopback, otherwise callers with the admin key. */
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

/** Returns undefined where it cannot be opened: devices are served without it. */
function openKey(directory: string, logger: Logger): AdminKey | undefined {
  try {
    const key = AdminKey.open(directory)
    logger.warn({ file: key.file }, `the API accepts the admin key in ${key.file}`)
    return key
  } catch (error) {
    if (!(error instanceof EdgeError)) throw error
    const { code, message, hint } = error
    logger.error({ code, err: error, hint }, `there is no admin key, so the API refuses every caller: ${message}`)
    return undefined
  }
}
