import type { Kafka } from 'kafkajs'

/** Private parts of kafkajs 2.2.4, as far as they are used here. */
export interface RequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(): void
}
interface ConnectionPool {
  readonly pool: readonly { readonly requestQueue: RequestQueue }[]
}
export interface MetadataAnswer {
  readonly topicMetadata: readonly {
    readonly topic: string
    readonly topicErrorCode: number
    readonly partitionMetadata: readonly { readonly partitionErrorCode: number }[]
  }[]
}
type Codec = (options: object) => { request: unknown; response: object }
export interface Broker {
  /** Whether asking for a topic creates it, where the server allows that. */
  readonly allowAutoTopicCreation: boolean
  lookupRequest(apiKey: number, definition: unknown): Codec
  metadata(topics: readonly string[]): Promise<MetadataAnswer>
}
export interface Cluster {
  readonly connectionPoolBuilder: { build(destination?: object): Promise<ConnectionPool> }
  readonly brokerPool: { findConnectedBroker(): Promise<Broker> }
}
type CreateCluster = (options: object) => Cluster

const CREATE_CLUSTER = 'private:Kafka:createCluster'

/**
 * Calls back with each cluster that this client makes: one for a producer, a consumer or an admin. Only objects of this client are
 * changed, so a program that shares the module keeps the library as it is.
 */
export function watchClusters(kafka: Kafka, onCluster: (cluster: Cluster) => void): void {
  const client = kafka as Kafka & Record<symbol, CreateCluster | undefined>
  const key = Object.getOwnPropertySymbols(client).find(({ description }) => description === CREATE_CLUSTER)
  const createCluster = key === undefined ? undefined : client[key]
  if (key === undefined || createCluster === undefined) return
  client[key] = (options) => {
    const cluster = createCluster(options)
    onCluster(cluster)
    return cluster
  }
}
