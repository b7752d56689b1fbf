import type { Admin, Producer } from 'kafkajs'
import type { Clock } from '../../core/clock.ts'
import { sleep, type Timers } from '../../core/timers.ts'
import { type Fault, classifyError } from './classify-error.ts'
import { ACKS_ALL } from './client-options.ts'
import type { AskForTopics, TopicAnswer } from './topic-metadata.ts'

const CACHED_FOR_MS = 5 * 60_000
/** A missing topic is asked for again soon, but not with every batch; the time between two requests doubles up to a limit. */
const FIRST_FAULT_CACHED_MS = 1000
const MAX_FAULT_CACHED_MS = 30_000
/** How long a cluster that creates topics by itself needs for one. */
const CREATION_MS = 150
const UNKNOWN_TOPIC = 3
const LEADER_NOT_AVAILABLE = 5

export interface TopicClients {
  readonly admin: Admin
  readonly producer: Producer
  /** Undefined for a version of kafkajs that does not tell the answers of several topics apart. */
  readonly askForTopics: AskForTopics | undefined
}

/** The number of partitions of each topic. The cluster's answers, faults too, are cached for a while. */
export class TopicPartitions {
  private readonly clients: TopicClients
  private readonly clock: Clock
  private readonly timers: Timers
  private readonly cache = new Map<string, { answer: TopicAnswer; until: number; forMs: number }>()

  constructor(clients: TopicClients, clock: Clock, timers: Timers) {
    this.clients = clients
    this.clock = clock
    this.timers = timers
  }

  /** Answers for each topic; rejects only when the server itself does not answer. */
  async lookUp(topics: Iterable<string>): Promise<Map<string, TopicAnswer>> {
    const now = this.clock.monotonicMs()
    const answers = new Map<string, TopicAnswer>()
    const unknown: string[] = []
    for (const topic of topics) {
      const cached = this.cache.get(topic)
      if (cached !== undefined && cached.until > now) answers.set(topic, cached.answer)
      else unknown.push(topic)
    }
    if (unknown.length === 0) return answers
    for (const [topic, answer] of await this.fetchAll(unknown)) {
      answers.set(topic, answer)
      const forMs = 'fault' in answer ? this.faultCachedMs(topic) : CACHED_FOR_MS
      this.cache.set(topic, { answer, until: now + forMs, forMs })
    }
    return answers
  }

  private fetchAll(topics: readonly string[]): Promise<Map<string, TopicAnswer>> {
    const { askForTopics } = this.clients
    return askForTopics === undefined ? this.fetch(topics) : this.ask(topics, askForTopics)
  }

  private async ask(topics: readonly string[], askForTopics: AskForTopics): Promise<Map<string, TopicAnswer>> {
    const answers = await askForTopics(topics, false)
    const missing = topics.filter((topic) => !this.isFaulty(topic) && mayBeCreated(answers.get(topic)))
    if (missing.length === 0) return answers
    await askForTopics(missing, true)
    await sleep(this.timers, CREATION_MS)
    for (const [topic, answer] of await askForTopics(missing, false)) answers.set(topic, answer)
    return answers
  }

  /** One bad topic fails the whole request: then each topic gets a request of its own. */
  private async fetch(topics: readonly string[]): Promise<Map<string, TopicAnswer>> {
    const { admin } = this.clients
    await admin.connect()
    try {
      const { topics: found } = await admin.fetchTopicMetadata({ topics: [...topics] })
      return new Map(found.map((topic) => [topic.name, { partitions: topic.partitions.length }]))
    } catch (error) {
      const fault = classifyError(error)
      if (isServerFault(fault)) throw error
    }
    const answers = new Map<string, TopicAnswer>()
    for (const topic of topics) answers.set(topic, await this.fetchOne(topic, !this.isFaulty(topic)))
    return answers
  }

  private isFaulty(topic: string): boolean {
    const cached = this.cache.get(topic)
    return cached !== undefined && 'fault' in cached.answer
  }

  private faultCachedMs(topic: string): number {
    const cached = this.cache.get(topic)
    return cached !== undefined && 'fault' in cached.answer
      ? Math.min(MAX_FAULT_CACHED_MS, cached.forMs * 2)
      : FIRST_FAULT_CACHED_MS
  }

  private async fetchOne(topic: string, mayCreate: boolean): Promise<TopicAnswer> {
    try {
      const { topics } = await this.clients.admin.fetchTopicMetadata({ topics: [topic] })
      return { partitions: topics[0]?.partitions.length ?? 0 }
    } catch (error) {
      const fault = classifyError(error)
      if (isServerFault(fault)) throw error
      if (!mayCreate || !mayBeCreated({ fault })) return { fault }
      await this.triggerCreation(topic)
      await sleep(this.timers, CREATION_MS)
      return this.fetchOne(topic, false)
    }
  }

  /** A cluster that creates topics by itself does so when a producer names one, not when an admin client does. */
  private async triggerCreation(topic: string): Promise<void> {
    try {
      await this.clients.producer.sendBatch({ acks: ACKS_ALL, topicMessages: [{ topic, messages: [] }] })
    } catch (error) {
      if (isServerFault(classifyError(error))) throw error
    }
  }
}

function mayBeCreated(answer: TopicAnswer | undefined): boolean {
  if (answer === undefined || !('fault' in answer)) return false
  const { kafkaCode } = answer.fault
  return kafkaCode === UNKNOWN_TOPIC || kafkaCode === LEADER_NOT_AVAILABLE
}

function isServerFault(fault: Fault): boolean {
  return fault.kind === 'server' && fault.kafkaCode !== LEADER_NOT_AVAILABLE
}
