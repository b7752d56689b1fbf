import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Certificates } from './certificates.ts'

export interface NodeSettings {
  readonly folder: string
  readonly nodeId: number
  /** Ports of the controllers, in order of node id. */
  readonly controllerPorts: readonly number[]
  /** Listener name to port; `PLAINTEXT` is always there and all-powerful. */
  readonly listeners: Readonly<Record<string, number>>
  /** Where clients of `PLAINTEXT` are sent instead: a proxy's port. */
  readonly advertisedPort: number | undefined
  readonly certificates: Certificates | undefined
  readonly extra: Readonly<Record<string, string>>
}

/** The text of a node's server.properties. */
export function serverProperties(settings: NodeSettings): string {
  const { nodeId, controllerPorts, listeners, certificates } = settings
  const replicas = String(Math.min(3, controllerPorts.length))
  const names = Object.keys(listeners)
  const addressesOf = (ports: Readonly<Record<string, number>>) =>
    Object.entries(ports).map(([name, port]) => `${name}://127.0.0.1:${port}`)
  const advertised =
    settings.advertisedPort === undefined ? listeners : { ...listeners, PLAINTEXT: settings.advertisedPort }
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(nodeId),
    'controller.quorum.voters': controllerPorts.map((port, index) => `${index + 1}@127.0.0.1:${port}`).join(','),
    'controller.quorum.election.timeout.ms': '500',
    'controller.quorum.fetch.timeout.ms': '1000',
    'controller.listener.names': 'CONTROLLER',
    listeners: [...addressesOf(listeners), `CONTROLLER://127.0.0.1:${controllerPorts[nodeId - 1]}`].join(','),
    'advertised.listeners': addressesOf(advertised).join(','),
    'listener.security.protocol.map': ['CONTROLLER:PLAINTEXT', ...names.map((name) => `${name}:${name}`)].join(','),
    'log.dirs': join(settings.folder, 'data'),
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // The defaults take 9 s to notice a dead broker.
    'broker.session.timeout.ms': '1500',
    'broker.heartbeat.interval.ms': '300',
    ...(certificates === undefined ? {} : securityProperties(settings.folder, certificates)),
    ...settings.extra,
  }
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

function securityProperties(folder: string, certificates: Certificates): Record<string, string> {
  const keystore = join(folder, 'server.keystore.pem')
  writeFileSync(keystore, certificates.server.key + certificates.server.cert)
  const security = 'org.apache.kafka.common.security'
  const properties: Record<string, string> = {
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keystore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': certificates.caFile,
    'listener.name.ssl.ssl.client.auth': 'required',
    'listener.name.sasl_ssl.ssl.client.auth': 'none',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
    'allow.everyone.if.no.acl.found': 'false',
  }
  for (const listener of ['sasl_plaintext', 'sasl_ssl']) {
    const at = `listener.name.${listener}`
    properties[`${at}.plain.sasl.jaas.config`] =
      `${security}.plain.PlainLoginModule required user_alice="alice-pw" user_bob="bob-pw";`
    for (const mechanism of ['scram-sha-256', 'scram-sha-512']) {
      properties[`${at}.${mechanism}.sasl.jaas.config`] = `${security}.scram.ScramLoginModule required;`
    }
  }
  return properties
}
