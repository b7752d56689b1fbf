import type { Lane } from '../core/message.ts'

/** One address at one destination, as templates. */
export interface PlanTarget {
  to: string
  /** Template of the Kafka topic, routing key or MQTT topic. Null: the topic with dots for slashes, as a name that Kafka allows. */
  address: string | null
  exchange?: string
  /** Template; null: no key. */
  key: string | null
  headers?: Readonly<Record<string, string>>
  /** Further addresses whose parameters the templates may name; of equal names the last wins. */
  from?: readonly string[]
  mandatory?: boolean
}

/**
 * The decisions made when a message was accepted: its document, channel and targets. Stored with the message, so later documents
 * and settings do not change them. The body of a plan is its JSON; plans with equal bodies are the same plan.
 */
export interface Plan {
  /** `name@version`; null for a topic that no document describes. */
  document: string | null
  message: string | null
  /** The channel's address, from which the parameters of the topic are cut out. */
  channel: string | null
  /** Ids of its channels: several where several documents describe the topic. */
  channelIds?: string[]
  contentType: string | null
  lane: Lane
  targets: PlanTarget[]
  /** Forwarded although invalid: marked by the header `valid: false` and, with `tag`, by `errors`. */
  invalid?: boolean
}

/** A plan that has a number, and the stream of the log that its messages go to. */
export interface NumberedPlan {
  id: number
  stream: number
  plan: Plan
}
