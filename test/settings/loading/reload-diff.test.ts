import { expect, test } from 'vitest'
import { loadSettings } from '../../../daemon/settings/loading/load-settings.ts'
import { diffSettings } from '../../../daemon/settings/loading/reload-diff.ts'
import { accepted, base, loadText } from '../config-folder.ts'

function diffTo(text: string) {
  return diffSettings(accepted(loadSettings(base)).settings, accepted(loadText(text)).settings)
}

test('settings that are the same need nothing', () => {
  expect(diffTo('log: { level: info }')).toEqual({ live: [], restart: [] })
})

test('documents, routes, upstreams and limits are taken over while running', () => {
  expect(
    diffTo(`asyncapi: [ a.yaml ]
unmatched: pass
allowUpstreamHosts: [ k ]
upstreams: { j: { protocol: file, directory: /j } }
routes: [ { from: a, to: j } ]
log: { level: debug }
http: { callbacks: { allow: [ hooks.example ] } }
broker: { maxConnections: 5, maxPacketSize: 1MiB, maxRetained: 5, maxTopicLevels: 3, maxTopicBytes: 99 }
store: { maxBytes: 1GiB, maxAge: 7d, whenFull: drop-oldest, history: { maxAge: 2h } }
`),
  ).toEqual({
    live: [
      'asyncapi',
      'unmatched',
      'allowUpstreamHosts',
      'upstreams',
      'routes',
      'log.level',
      'http.callbacks',
      'broker.maxPacketSize',
      'broker.maxConnections',
      'broker.maxRetained',
      'broker.maxTopicLevels',
      'broker.maxTopicBytes',
      'store.maxBytes',
      'store.maxAge',
      'store.whenFull',
      'store.history',
    ],
    restart: [],
  })
})

test('a change of the id, the store, the listeners or the sensors needs a restart', () => {
  expect(
    diffTo(`gateway: { id: other }
broker: { listeners: [ mqtt://127.0.0.1:1 ], anonymous: false, keepaliveLimit: 1h, drainTimeout: 1s, maxInflight: 5 }
http: null
store: { directory: /other, durability: process }
sensors: [ { name: a, type: simulated, topic: a, payload: {} } ]
shutdownTimeout: 1s
`),
  ).toEqual({
    live: [],
    restart: [
      'gateway.id',
      'sensors',
      'shutdownTimeout',
      'http',
      'broker.listeners',
      'broker.anonymous',
      'broker.drainTimeout',
      'broker.keepaliveLimit',
      'broker.maxInflight',
      'store.directory',
      'store.durability',
    ],
  })
})
