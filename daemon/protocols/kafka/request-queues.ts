import type { Kafka } from 'kafkajs'
import { type RequestQueue, watchClusters } from './kafkajs-clusters.ts'

/**
 * Makes the connections of this one client rest while no request waits. From the first answer on, kafkajs looks for waiting
 * requests once a millisecond and connection, for as long as the process lives (tulios/kafkajs#1704): without this the
 * figure `quiet` of the bench rises by 1,000 wake-ups a second and connection.
 *
 * To be called before the client makes a producer, a consumer or an admin.
 */
export function restIdleQueues(kafka: Kafka): void {
  watchClusters(kafka, ({ connectionPoolBuilder }) => {
    const build = connectionPoolBuilder.build.bind(connectionPoolBuilder)
    connectionPoolBuilder.build = async (destination) => {
      const connections = await build(destination)
      for (const { requestQueue } of connections.pool) restIdleQueue(requestQueue)
      return connections
    }
  })
}

export function restIdleQueue(queue: RequestQueue): void {
  const schedule = queue.scheduleCheckPendingRequests.bind(queue)
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) schedule()
  }
}
