import { type Fault, faultOfCode } from './classify-error.ts'
import type { Broker, Cluster, MetadataAnswer } from './kafkajs-clusters.ts'

export type TopicAnswer = { readonly partitions: number } | { readonly fault: Fault }

/** Asks the server for topics; `mayCreate`: a server that creates topics by itself may make those that are missing. */
export type AskForTopics = (topics: readonly string[], mayCreate: boolean) => Promise<Map<string, TopicAnswer>>

/**
 * Asks for all topics in one request and keeps each topic's own answer. kafkajs throws the first topic's error for the whole
 * request, so that 200 missing topics in a batch took 200 times as long as one, and longer than the deadline.
 */
export function topicAsker(cluster: Cluster): AskForTopics {
  return async (topics, mayCreate) => {
    const broker = await cluster.brokerPool.findConnectedBroker()
    const { topicMetadata } = await lenient(broker, mayCreate).metadata(topics)
    return new Map(topicMetadata.map((metadata) => [metadata.topic, answerOf(metadata)]))
  }
}

/** The same broker, whose answers are not searched for errors. */
function lenient(broker: Broker, mayCreate: boolean): Broker {
  const lookupRequest: Broker['lookupRequest'] = (apiKey, definition) => {
    const codec = broker.lookupRequest(apiKey, definition)
    return (options) => {
      const { request, response } = codec(options)
      return { request, response: { ...response, parse: (answer: unknown) => Promise.resolve(answer) } }
    }
  }
  return Object.create(broker, {
    lookupRequest: { value: lookupRequest },
    allowAutoTopicCreation: { value: mayCreate },
  }) as Broker
}

function answerOf({ topic, topicErrorCode, partitionMetadata }: MetadataAnswer['topicMetadata'][number]): TopicAnswer {
  const code = [topicErrorCode, ...partitionMetadata.map((one) => one.partitionErrorCode)].find((one) => one !== 0)
  return code === undefined ? { partitions: partitionMetadata.length } : { fault: faultOfCode(code, topic) }
}
