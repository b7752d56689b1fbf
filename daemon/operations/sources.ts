import type { MqttBroker } from '../broker/mqtt-broker.ts'
import type { LiveFeed } from '../feed/live-feed.ts'
import type { ForwarderHandle } from '../forward/forwarder-handle.ts'
import type { IngestCounts } from '../ingest/ingest-counts.ts'
import type { RetainedTopics } from '../ingest/retained-topics.ts'
import type { LoadedDocuments } from '../manager/document-loader.ts'
import type { UnfinishedDocument } from '../manager/start-checks.ts'
import type { SimulatedSensorRunner } from '../sensors/simulated/simulated-sensor.ts'
import type { Settings } from '../settings/settings.ts'
import type { LogStore } from '../store/log/log-store.ts'

/** The rooms that health, connections, live figures and metrics are read from. */
export interface OperationsSources {
  /** The settings in force. */
  settings: () => Settings
  /** Whether every listener is open. */
  listening: () => boolean
  /** Documents that did not load. */
  failures: () => LoadedDocuments['failures']
  /** Documents that are still being checked. */
  unfinished: () => readonly UnfinishedDocument[]
  store: LogStore
  broker: MqttBroker
  forwarder: ForwarderHandle
  counts: IngestCounts
  retained: RetainedTopics
  feed: LiveFeed
  sensors: () => readonly SimulatedSensorRunner[]
}
