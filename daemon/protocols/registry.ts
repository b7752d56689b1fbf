import { EdgeError } from '../core/errors.ts'
import type { UpstreamSchemas, UpstreamSettings } from '../settings/sections/upstream-common.ts'
import { fileProtocol } from './file/file-protocol.ts'
import { kafkaProtocol } from './kafka/kafka-protocol.ts'
import type { Protocol } from './protocol.ts'

/** Every protocol by the name that upstreams give as `protocol`. A new one is a folder and a line here. */
const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  kafka: kafkaProtocol,
  file: fileProtocol,
}

/** The settings schemas of all protocols, for `loadSettings` and the published JSON schema. */
export const upstreamSchemas: UpstreamSchemas = Object.fromEntries(
  Object.entries(PROTOCOLS).map(([name, { schema }]) => [name, schema]),
)

/** The protocol of an upstream that the settings schema has accepted. */
export function protocolOf({ protocol }: UpstreamSettings): Protocol {
  const found = Object.hasOwn(PROTOCOLS, protocol) ? PROTOCOLS[protocol] : undefined
  if (found === undefined) throw new EdgeError('internal', `there is no protocol ${protocol}`)
  return found
}
