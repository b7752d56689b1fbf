import type { BrokerSettings } from './sections/broker-settings.ts'

/** Says so where the settings let no device in; undefined where one could connect. */
export function shutOut({ anonymous }: Pick<BrokerSettings, 'anonymous'>): string | undefined {
  if (anonymous) return undefined
  return 'No device can connect: broker.anonymous is false (the default with a listener beyond loopback), and there are no users. Set it to true where everybody on the network may publish.'
}
