import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'

/** A client of the usual library, connected, that does not come back by itself. */
export async function connectClient(port: number, options: IClientOptions = {}): Promise<MqttClient> {
  return mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0, ...options })
}

export interface Received {
  topic: string
  payload: string
  retain: boolean
}

/** What a client receives from now on; grows. */
export function collect(client: MqttClient): Received[] {
  const received: Received[] = []
  client.on(
    'message',
    (topic, payload, { retain }) => void received.push({ topic, payload: payload.toString(), retain }),
  )
  return received
}
