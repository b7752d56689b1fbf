import type { EdgeError } from '../../core/errors.ts'
import type { Settings } from '../settings.ts'
import { errorAt, joinField, type Located } from './located.ts'
import { nearestKey } from './nearest-key.ts'

/** Reports routes to upstreams that do not exist. It reads the tree, not the settings, so that it works beside other faults. */
export function checkRoutes(root: Located, errors: EdgeError[]): void {
  const upstreams = child(root, 'upstreams')
  const names = upstreams?.kind === 'map' ? [...upstreams.entries.keys()] : []
  const routes = child(root, 'routes')
  if (routes?.kind !== 'list') return
  for (const [i, route] of routes.items.entries()) {
    const to = child(route, 'to')
    if (to?.kind !== 'scalar' || typeof to.value !== 'string' || to.value === '' || names.includes(to.value)) continue
    const near = nearestKey(to.value, names)
    const ask = near === undefined ? '' : `; did you mean ${JSON.stringify(near)}?`
    const message =
      to.value === 'broker'
        ? '"broker" is the embedded broker, which cannot be the destination of a route'
        : `there is no upstream ${JSON.stringify(to.value.slice(0, 100))}${ask}`
    errors.push(errorAt('config-invalid', message, to.spot, joinField(joinField('routes', i), 'to')))
  }
}

/** Reports an HTTP address that is also a broker listener's. */
export function checkListeners(root: Located, { broker, http }: Settings, errors: EdgeError[]): void {
  if (!http.enabled || http.port === 0) return
  const taken = broker.listeners.some(({ host, port }) => host === http.host && port === http.port)
  if (!taken) return
  const section = child(root, 'http')
  const spot = (child(section, 'url') ?? section ?? root).spot
  errors.push(
    errorAt('config-invalid', `${http.host}:${http.port} is also an address of broker.listeners`, spot, 'http.url'),
  )
}

function child(node: Located | undefined, key: string): Located | undefined {
  return node?.kind === 'map' ? node.entries.get(key)?.value : undefined
}
