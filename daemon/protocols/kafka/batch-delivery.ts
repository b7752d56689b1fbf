import type { RecordMetadata } from 'kafkajs'
import { EdgeError } from '../../core/errors.ts'
import { ACCEPTED, type Outcome, type OutgoingMessage } from '../adapter.ts'
import { type Fault, classifyError } from './classify-error.ts'
import type { PartitionBatch } from './prepared-messages.ts'

/** Sends lists of different partitions in one request; resolves to the partitions that the answer names. */
export type Send = (batches: readonly PartitionBatch[]) => Promise<RecordMetadata[]>

export interface Delivery {
  /** One for each message; undefined where it was not tried. */
  readonly outcomes: readonly (Outcome | undefined)[]
  /** The fault that made the connection unusable, if there was one. */
  readonly fault: Fault | undefined
  /** Topics that the server refused for every message. */
  readonly refusedTopics: ReadonlySet<string>
  /** Topics that refused the times of messages, which were then sent without. */
  readonly timelessTopics: ReadonlySet<string>
}

const INVALID_TIMESTAMP = 32
/**
 * Messages whose times lie within this lose them together: a topic refuses times by their age, so those of one moment share their
 * fate, and an old backlog is not sent message by message.
 */
const SAME_MOMENT_MS = 1000

/**
 * Delivers one batch. A request fails as a whole when one message or topic in it is bad: then each partition is sent by
 * itself and halved until the bad message is alone in its request. A partition's messages stay in order: behind one that is
 * kept, none of the same partition is sent. Messages whose times the topic refuses are sent once more, without.
 *
 * Sending a partition's list again unchanged after such a refusal is safe with an idempotent producer: kafkajs has reset
 * its sequence numbers, and the broker recognises a list that it has written already.
 */
export class BatchDelivery {
  private readonly send: Send
  private readonly messages: readonly OutgoingMessage[]
  private readonly timelessTopics = new Set<string>()
  private readonly outcomes: (Outcome | undefined)[]
  private readonly refusedTopics = new Map<string, Outcome>()
  private fault: Fault | undefined

  constructor(send: Send, messages: readonly OutgoingMessage[]) {
    this.send = send
    this.messages = messages
    this.outcomes = Array.from({ length: messages.length })
  }

  async deliver(batches: readonly PartitionBatch[]): Promise<Delivery> {
    const fault = batches.length === 0 ? undefined : await this.trySend(batches)
    if (fault !== undefined && fault.kind !== 'server') {
      for (const batch of batches) {
        if (this.fault === undefined) await this.deliverPartition(batch)
      }
    }
    const { outcomes, timelessTopics } = this
    return { outcomes, fault: this.fault, refusedTopics: new Set(this.refusedTopics.keys()), timelessTopics }
  }

  private async deliverPartition(batch: PartitionBatch): Promise<void> {
    const parts = [batch.indices]
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      const refused = this.refusedTopics.get(batch.topic)
      if (refused !== undefined) {
        this.setOutcome(part, refused)
        continue
      }
      let fault = await this.trySend([{ ...batch, indices: part }])
      if (fault?.kafkaCode === INVALID_TIMESTAMP && this.areOfOneMoment(part)) {
        this.timelessTopics.add(batch.topic)
        fault = await this.trySend([{ ...batch, indices: part, isTimeless: true }])
      }
      if (fault === undefined) continue
      if (fault.kind === 'server') return
      if (fault.kind === 'route') this.refuseTopic(batch.topic, part, { status: 'kept', error: fault.error })
      else if (fault.error.code === 'topic-name-invalid')
        this.refuseTopic(batch.topic, part, { status: 'rejected', error: fault.error })
      else if (part.length === 1) this.setOutcome(part, { status: 'rejected', error: fault.error })
      else parts.unshift(part.slice(0, part.length >> 1), part.slice(part.length >> 1))
    }
  }

  private areOfOneMoment(part: readonly number[]): boolean {
    const times = part.flatMap((index) => this.messages[index]?.timestampMs ?? [])
    return Math.max(...times) - Math.min(...times) <= SAME_MOMENT_MS
  }

  /** Sends the lists in one request. Returns undefined when each of them has its outcome. */
  private async trySend(batches: readonly PartitionBatch[]): Promise<Fault | undefined> {
    let answers: RecordMetadata[]
    try {
      answers = await this.send(batches)
    } catch (error) {
      const fault = classifyError(error)
      if (fault.kind === 'server') this.fault = fault
      return fault
    }
    const written = new Set(
      answers.filter(({ errorCode }) => errorCode === 0).map((answer) => `${answer.topicName}/${answer.partition}`),
    )
    for (const { topic, partition, indices } of batches) {
      if (written.has(`${topic}/${partition}`)) this.setOutcome(indices, ACCEPTED)
      else this.fault = missingAnswer(topic, partition)
    }
    return this.fault
  }

  private refuseTopic(topic: string, indices: readonly number[], outcome: Outcome): void {
    this.refusedTopics.set(topic, outcome)
    this.setOutcome(indices, outcome)
  }

  private setOutcome(indices: readonly number[], outcome: Outcome): void {
    for (const index of indices) this.outcomes[index] = outcome
  }
}

/** kafkajs skips a partition that does not exist, or whose leader changed during the send, without an error. */
function missingAnswer(topic: string, partition: number): Fault {
  const error = new EdgeError('upstream-unavailable', `the server did not confirm partition ${partition} of ${topic}`)
  return { kind: 'server', error, kafkaCode: undefined }
}
