/** AsyncAPI documents for the daemon under load, made here so that figures can be compared over time. */

export type Documents = Readonly<Record<string, object>>

/** Fits the load generator's payload; each plant has its own limits, so that no two documents share a schema. */
function reading(plant: number): object {
  return {
    name: 'Reading',
    payload: {
      type: 'object',
      required: ['temperature', 'humidity'],
      properties: {
        temperature: { type: 'number', minimum: -50, maximum: 150 + plant },
        humidity: { type: 'number', minimum: 0, maximum: 100 + plant },
        unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
        state: { type: 'string', enum: ['running', 'idle'] },
      },
    },
  }
}

export const INVALID_PAYLOAD = '{"temperature":"hot","humidity":40}'

function documentOf(plant: number, addresses: Readonly<Record<string, string>>): object {
  return {
    asyncapi: '3.0.0',
    info: { title: `Bench plant ${plant}`, version: '1.0.0' },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(
      Object.entries(addresses).map(([id, address]) => [
        id,
        {
          address,
          parameters: Object.fromEntries([...address.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => [name, {}])),
          messages: { reading: { $ref: '#/components/messages/reading' } },
        },
      ]),
    ),
    operations: Object.fromEntries(
      Object.keys(addresses).map((id) => [
        `receive-${id}`,
        { action: 'receive', channel: { $ref: `#/channels/${id}` } },
      ]),
    ),
    components: { messages: { reading: reading(plant) } },
  }
}

/** What the load generator publishes to if nothing else is said. */
export function oneChannel(address = 'device/{deviceId}/data'): Documents {
  return { plant: documentOf(0, { data: address }) }
}

/** `site/0/…`, `site/1/…` and so on, dealt out to the documents. */
export function manyChannels(documents: number, channels: number): Documents {
  const each = channels / documents
  return Object.fromEntries(
    Array.from({ length: documents }, (_, plant) => {
      const sites = Array.from({ length: each }, (__, site) => plant * each + site)
      const addresses = sites.map((site) => [`site${site}`, `site/${site}/device/{deviceId}/data`])
      return [`plant${plant}`, documentOf(plant, Object.fromEntries(addresses))]
    }),
  )
}
