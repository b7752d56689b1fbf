import type { Violation } from '../../core/message.ts'
import type { ContractParameter, Diagnostic } from '../contract/contract.ts'
import { SchemaCompiler } from '../schemas/schema-compiler.ts'
import { AddressTrie } from './address-trie.ts'
import { addressParameters, matchMixed, parseAddress } from './address.ts'
import { ParameterCheck } from './parameter-check.ts'

const MAX_LEVELS = 64

/** The channels that a topic matches. */
export interface ChannelMatch<T> {
  readonly value: T
  /** All channels of the matched shape whose parameters fit, `value` first. If there are several, the message decides. */
  readonly values: readonly T[]
  /** The parameters of the topic, by the address of `value` or of the given channel. Computed on each call. */
  parameters(value?: T): Record<string, string>
}

interface Entry<T> {
  readonly address: string
  readonly value: T
  /** undefined if every parameter text fits. */
  readonly check: ParameterCheck | undefined
}

interface Leaf<T> {
  readonly entries: Entry<T>[]
  readonly values: T[]
  checked: boolean
}

/**
 * Finds the channels of one document that a topic matches. The most specific address wins, level by level: literal, mixed,
 * whole-level parameter, `+`, `#`. A channel whose parameters do not fit is no match. A parameter takes at least one
 * character; wildcards at the first level do not match topics that begin with `$` [MQTT-4.7.2-1]. Built once for each
 * version of a document.
 */
export class ChannelMatcher<T> {
  /** Warns of ties, and of addresses that no topic matches; complete after the last `add`. */
  readonly diagnostics: Diagnostic[] = []
  private readonly trie = new AddressTrie<Leaf<T>>()
  private readonly compiler: SchemaCompiler

  constructor(compiler: SchemaCompiler = new SchemaCompiler()) {
    this.compiler = compiler
  }

  /** `pointer` leads to the channel in the document, for diagnostics. */
  add(address: string, parameters: readonly ContractParameter[], value: T, pointer = ''): void {
    const levels = parseAddress(address)
    const hash = levels.findIndex((level) => level.kind === 'hash')
    if (levels.length > MAX_LEVELS || (hash !== -1 && hash !== levels.length - 1)) {
      const why = hash === -1 ? `has more than ${MAX_LEVELS} levels` : 'has # before its last level'
      this.warn(`The address ${shorten(address)} ${why}: no topic matches it.`, pointer)
      return
    }
    const leaf = this.trie.leafFor(levels, () => ({ entries: [], values: [], checked: false }))
    const [first] = leaf.entries
    if (first !== undefined) {
      const same = first.address === address ? 'the same address' : `the same shape as ${shorten(first.address)}`
      this.warn(`The address ${shorten(address)} has ${same}: the message decides which channel it is.`, pointer)
    }
    const check = ParameterCheck.of(addressParameters(address), parameters, this.compiler)
    leaf.entries.push({ address, value, check })
    leaf.values.push(value)
    if (check !== undefined) leaf.checked = true
  }

  /** Returns the most specific match, or undefined. */
  match(topic: string): ChannelMatch<T> | undefined {
    return this.trie.find(topic, fits<T>)
  }

  /**
   * Explains why `match` found nothing: returns the parameter that does not fit, for the most specific channel of the
   * topic's shape (`parameter-invalid`), or undefined if no channel has that shape (`topic-unmatched`).
   */
  refusal(topic: string): { value: T; violation: Violation } | undefined {
    return this.trie.find(topic, refuses<T>)
  }

  private warn(message: string, pointer: string): void {
    this.diagnostics.push({ severity: 'warning', message, pointer })
  }
}

function fits<T>(leaf: Leaf<T>, topic: string): ChannelMatch<T> | undefined {
  if (!leaf.checked) return matchOf(leaf.entries, leaf.values, topic)
  const entries = leaf.entries.filter((entry) => violationOf(entry, topic) === undefined)
  return matchOf(
    entries,
    entries.map((entry) => entry.value),
    topic,
  )
}

function refuses<T>(leaf: Leaf<T>, topic: string): { value: T; violation: Violation } | undefined {
  for (const entry of leaf.entries) {
    const violation = violationOf(entry, topic)
    if (violation !== undefined) return { value: entry.value, violation }
  }
  return undefined
}

function violationOf<T>(entry: Entry<T>, topic: string): Violation | undefined {
  return entry.check?.violation(textsOf(entry.address, topic))
}

class Match<T> implements ChannelMatch<T> {
  readonly value: T
  readonly values: readonly T[]
  private readonly entries: readonly Entry<T>[]
  private readonly topic: string

  constructor(value: T, values: readonly T[], entries: readonly Entry<T>[], topic: string) {
    this.value = value
    this.values = values
    this.entries = entries
    this.topic = topic
  }

  parameters(value: T = this.value): Record<string, string> {
    const entry = this.entries.find((one) => one.value === value)
    if (entry === undefined) return {}
    const names = addressParameters(entry.address)
    const texts = textsOf(entry.address, this.topic)
    // fromEntries defines own properties, so a parameter named __proto__ survives.
    return Object.fromEntries(names.map((name, index) => [name, texts[index] ?? '']))
  }
}

function matchOf<T>(entries: readonly Entry<T>[], values: readonly T[], topic: string): ChannelMatch<T> | undefined {
  const [first] = entries
  return first === undefined ? undefined : new Match(first.value, values, entries, topic)
}

/** The texts that a topic has at the parameters of an address, in their order. */
function textsOf(address: string, topic: string): string[] {
  const texts: string[] = []
  const levels = topic.split('/')
  parseAddress(address).forEach((level, index) => {
    const text = levels[index] ?? ''
    if (level.kind === 'parameter') texts.push(text)
    else if (level.kind === 'mixed') texts.push(...(matchMixed(level.parts, text) ?? []))
  })
  return texts
}

function shorten(address: string): string {
  return address.length > 100 ? `${address.slice(0, 100)}…` : address
}
