import type { IHeaders } from 'kafkajs'
import { KafkaObserver, type ArrivedRecord } from '../protocols/kafka/kafka-subject.ts'
import type { Arrival } from './checker.ts'

/** What publishers wrote, as it stands in a topic: partition by partition, which keeps the order of every device. */
export async function kafkaArrivals(brokers: string[], topic: string): Promise<Arrival[]> {
  const records = await readTopic(brokers, topic)
  return records.map(({ value, headers }) => {
    const { temperature, humidity } = JSON.parse(value?.toString() ?? '{}') as { temperature: number; humidity: number }
    return { id: headerTexts(headers)['message-id'] ?? '', source: humidity, n: temperature }
  })
}

export async function readTopic(brokers: string[], topic: string): Promise<ArrivedRecord[]> {
  const observer = new KafkaObserver(brokers)
  await observer.admin.connect()
  try {
    return await observer.read(topic)
  } finally {
    await observer.admin.disconnect()
  }
}

export async function createTopic(brokers: string[], topic: string, numPartitions: number): Promise<void> {
  const { admin } = new KafkaObserver(brokers)
  await admin.connect()
  try {
    await admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true })
  } finally {
    await admin.disconnect()
  }
}

export function headerTexts(headers: IHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}
