import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, Producer } from 'kafkajs'
import type { Clock } from '../../core/clock.ts'
import { type Fault, classifyError } from './classify-error.ts'

const KNOWN_FOR_MS = 5 * 60_000
/** A missing topic is asked for again soon, but not with every batch, and less and less often. */
const FIRST_FAULTY_MS = 1000
const LONGEST_FAULTY_MS = 30_000
/** A topic that the cluster creates by itself is there a moment later. */
const CREATION_MS = 150
const UNKNOWN_TOPIC = 3
const LEADER_NOT_AVAILABLE = 5

type Answer = { readonly partitions: number } | { readonly fault: Fault }

/** How many partitions each topic has, asked of the cluster and remembered for a while. */
export class TopicPartitions {
  private readonly admin: Admin
  private readonly producer: Producer
  private readonly clock: Clock
  private readonly known = new Map<string, { answer: Answer; until: number; forMs: number }>()

  constructor(admin: Admin, producer: Producer, clock: Clock) {
    this.admin = admin
    this.producer = producer
    this.clock = clock
  }

  /** Answers for each topic; rejects only when the server itself does not answer. */
  async lookUp(topics: Iterable<string>): Promise<Map<string, Answer>> {
    const now = this.clock.monotonicMs()
    const answers = new Map<string, Answer>()
    const missing: string[] = []
    for (const topic of topics) {
      const known = this.known.get(topic)
      if (known !== undefined && known.until > now) answers.set(topic, known.answer)
      else missing.push(topic)
    }
    if (missing.length === 0) return answers
    await this.admin.connect()
    for (const [topic, answer] of await this.ask(missing)) {
      answers.set(topic, answer)
      const forMs = 'fault' in answer ? this.faultyFor(topic) : KNOWN_FOR_MS
      this.known.set(topic, { answer, until: now + forMs, forMs })
    }
    return answers
  }

  /** One bad topic fails the whole request: then each is asked for by itself. */
  private async ask(topics: readonly string[]): Promise<Map<string, Answer>> {
    try {
      const { topics: found } = await this.admin.fetchTopicMetadata({ topics: [...topics] })
      return new Map(found.map((topic) => [topic.name, { partitions: topic.partitions.length }]))
    } catch (error) {
      const fault = classifyError(error)
      if (isServerFault(fault)) throw error
    }
    const answers = new Map<string, Answer>()
    for (const topic of topics) answers.set(topic, await this.askForOne(topic, !this.isFaulty(topic)))
    return answers
  }

  private isFaulty(topic: string): boolean {
    const known = this.known.get(topic)
    return known !== undefined && 'fault' in known.answer
  }

  private faultyFor(topic: string): number {
    const known = this.known.get(topic)
    return known !== undefined && 'fault' in known.answer
      ? Math.min(LONGEST_FAULTY_MS, known.forMs * 2)
      : FIRST_FAULTY_MS
  }

  private async askForOne(topic: string, mayCreate: boolean): Promise<Answer> {
    try {
      const { topics } = await this.admin.fetchTopicMetadata({ topics: [topic] })
      return { partitions: topics[0]?.partitions.length ?? 0 }
    } catch (error) {
      const fault = classifyError(error)
      if (isServerFault(fault)) throw error
      const mayBeCreated = fault.kafkaCode === UNKNOWN_TOPIC || fault.kafkaCode === LEADER_NOT_AVAILABLE
      if (!mayBeCreated || !mayCreate) return { fault }
      await this.mention(topic)
      await sleep(CREATION_MS)
      return this.askForOne(topic, false)
    }
  }

  /** A producer that names a topic makes a cluster create it, if the cluster does so at all; an admin client does not. */
  private async mention(topic: string): Promise<void> {
    try {
      await this.producer.sendBatch({ acks: -1, topicMessages: [{ topic, messages: [] }] })
    } catch (error) {
      if (isServerFault(classifyError(error))) throw error
    }
  }
}

function isServerFault(fault: Fault): boolean {
  return fault.kind === 'server' && fault.kafkaCode !== LEADER_NOT_AVAILABLE
}
