import type { Lane } from '../core/message.ts'

/** Where one message goes at one destination; absent fields are the protocol's own plain rule, filled in when the plan is made. */
export interface PlanTarget {
  to: string
  /** Template of the Kafka topic, routing key, MQTT topic; null: the topic with dots for slashes, as a name that Kafka allows. */
  address: string | null
  exchange?: string
  /** Template; null: no key. */
  key: string | null
  headers?: Readonly<Record<string, string>>
  /** Addresses whose parameters the templates name beside those of the plan's channel; the last one wins. */
  from?: readonly string[]
  mandatory?: boolean
}

/**
 * What was decided when a message was accepted, and is stored with it: later documents and settings change nothing of it.
 * The body of a plan is its JSON; equal bodies are one plan.
 */
export interface Plan {
  /** `name@version`; null for a topic that no document describes. */
  document: string | null
  message: string | null
  /** The channel's address, from which the parameters of the topic are cut out. */
  channel: string | null
  /** Ids of the channels that it belongs to: several where several documents describe the topic. */
  channelIds?: string[]
  contentType: string | null
  lane: Lane
  targets: PlanTarget[]
  /** Sent although it is invalid: the headers `valid` and, with `tag`, `errors` tell so. */
  invalid?: boolean
}

/** A plan that has a number, and the stream of the log that its messages go to. */
export interface NumberedPlan {
  id: number
  stream: number
  plan: Plan
}
