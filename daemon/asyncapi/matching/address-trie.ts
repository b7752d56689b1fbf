import { matchMixed, type AddressLevel } from './address.ts'

type Inner = Exclude<AddressLevel, { kind: 'hash' }>

interface MixedChild<L> {
  readonly level: AddressLevel & { kind: 'mixed' }
  readonly node: Node<L>
}

class Node<L> {
  literals: Map<string, Node<L>> | undefined
  mixed: MixedChild<L>[] | undefined
  parameter: Node<L> | undefined
  plus: Node<L> | undefined
  hash: L | undefined
  leaf: L | undefined
}

/** Judges a leaf whose shape the topic has; undefined continues with the next, less specific leaf. */
export type Judge<L, R> = (leaf: L, topic: string) => R | undefined

/**
 * A trie of addresses, one node for each level. A search visits each node at most once, so it takes at most as many steps
 * as the trie has nodes, and recurses as deep as the deepest address. A literal or a whole-level parameter is one step.
 */
export class AddressTrie<L> {
  private readonly root = new Node<L>()

  /** Returns the leaf of an address, and creates it with `make` if needed. Addresses of one shape share a leaf. */
  leafFor(levels: readonly AddressLevel[], make: () => L): L {
    let node = this.root
    for (const level of levels) {
      if (level.kind === 'hash') return (node.hash ??= make())
      node = childFor(node, level)
    }
    return (node.leaf ??= make())
  }

  /** Returns the judge's result for the most specific leaf that it does not answer with undefined. */
  find<R>(topic: string, judge: Judge<L, R>): R | undefined {
    return walk(this.root, topic, 0, judge)
  }
}

function childFor<L>(node: Node<L>, level: Inner): Node<L> {
  if (level.kind === 'parameter') return (node.parameter ??= new Node())
  if (level.kind === 'plus') return (node.plus ??= new Node())
  if (level.kind === 'mixed') {
    const siblings = (node.mixed ??= [])
    const known = siblings.find((sibling) => sibling.level.shape === level.shape)
    if (known !== undefined) return known.node
    const added = { level, node: new Node<L>() }
    siblings.push(added)
    siblings.sort((a, b) => b.level.literalLength - a.level.literalLength)
    return added.node
  }
  const literals = (node.literals ??= new Map())
  const known = literals.get(level.text)
  if (known !== undefined) return known
  const added = new Node<L>()
  literals.set(level.text, added)
  return added
}

function walk<L, R>(node: Node<L>, topic: string, start: number, judge: Judge<L, R>): R | undefined {
  // `start` is one past the end after the last level; at the end itself there is an empty last level.
  if (start > topic.length) {
    const found = node.leaf === undefined ? undefined : judge(node.leaf, topic)
    return found ?? (node.hash === undefined ? undefined : judge(node.hash, topic))
  }
  const slash = topic.indexOf('/', start)
  const end = slash === -1 ? topic.length : slash
  if (node.literals !== undefined) {
    const next = node.literals.get(topic.substring(start, end))
    const found = next === undefined ? undefined : walk(next, topic, end + 1, judge)
    if (found !== undefined) return found
  }
  if (node.mixed !== undefined) {
    const level = topic.substring(start, end)
    for (const option of node.mixed) {
      if (matchMixed(option.level.parts, level) === undefined) continue
      const found = walk(option.node, topic, end + 1, judge)
      if (found !== undefined) return found
    }
  }
  // [MQTT-4.7.2-1]: no wildcard at the first level matches a topic that begins with $.
  if (start === 0 && topic.charCodeAt(0) === 0x24) return undefined
  if (node.parameter !== undefined && end > start) {
    const found = walk(node.parameter, topic, end + 1, judge)
    if (found !== undefined) return found
  }
  if (node.plus !== undefined) {
    const found = walk(node.plus, topic, end + 1, judge)
    if (found !== undefined) return found
  }
  return node.hash === undefined ? undefined : judge(node.hash, topic)
}
