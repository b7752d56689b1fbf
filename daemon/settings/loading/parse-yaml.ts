import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml'
import type { EdgeError } from '../../core/errors.ts'
import { errorAt, joinField, type Located, type LocatedEntry, type Origin, type Spot } from './located.ts'

// Limits far above any configuration written by hand, against alias bombs.
const MAX_NODES = 100_000
const MAX_DEPTH = 32
const MAX_ALIASES = 100
// One wrong bracket can make a fault of every later line.
const MAX_FAULTS = 20
const TOO_LARGE = 'the YAML is too large, too deep, or has too many aliases'

export type ParsedYaml = { ok: true; tree: Located } | { ok: false; errors: EdgeError[] }

/** Parses YAML 1.2 into a tree of values with their places. Reports all syntax errors together. */
export function parseYaml(text: string, origin: Origin): ParsedYaml {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, prettyErrors: false, version: '1.2', uniqueKeys: true })
  const faults = [...document.errors, ...document.warnings]
  const spotAt = (offset: number): Spot => {
    if (origin.variable !== undefined) return { origin }
    const { line, col } = lineCounter.linePos(offset)
    return { origin, line, column: col }
  }
  // Endless brackets exhaust the parser's stack; the faults after that are meaningless.
  const exhausted = faults.find((fault) => fault.code === 'RESOURCE_EXHAUSTION')
  if (exhausted !== undefined) {
    return { ok: false, errors: [errorAt('config-syntax', TOO_LARGE, spotAt(exhausted.pos[0]), '')] }
  }
  if (faults.length > 0) {
    // The parser quotes the text, and a variable may hold a secret.
    const say = (message: string) => (origin.variable === undefined ? message : 'the value is not valid YAML')
    const errors = faults
      .slice(0, MAX_FAULTS)
      .map((fault) => errorAt('config-syntax', say(fault.message), spotAt(fault.pos[0]), ''))
    return { ok: false, errors }
  }
  const converter = new Converter(document, spotAt)
  const tree = converter.convert(document.contents, '', 0, spotAt(0))
  return converter.errors.length > 0 ? { ok: false, errors: converter.errors } : { ok: true, tree }
}

class Converter {
  readonly errors: EdgeError[] = []
  private nodes = 0
  private aliases = 0
  private tooLarge = false
  private readonly document: Document
  private readonly spotAt: (offset: number) => Spot

  constructor(document: Document, spotAt: (offset: number) => Spot) {
    this.document = document
    this.spotAt = spotAt
  }

  convert(node: unknown, field: string, depth: number, parent: Spot): Located {
    const spot = this.spotOf(node) ?? parent
    if (++this.nodes > MAX_NODES || depth > MAX_DEPTH || this.aliases > MAX_ALIASES) {
      if (!this.tooLarge) this.report(TOO_LARGE, spot, field)
      this.tooLarge = true
    }
    if (this.tooLarge) return { kind: 'broken', spot }
    if (isAlias(node)) {
      this.aliases++
      const target = node.resolve(this.document)
      if (target !== undefined) return this.convert(target, field, depth + 1, spot)
      this.report('the alias has no anchor before it', spot, field)
      return { kind: 'broken', spot }
    }
    if (isMap(node)) {
      const entries = new Map<string, LocatedEntry>()
      for (const pair of node.items) {
        const keySpot = this.spotOf(pair.key) ?? spot
        const key = this.keyOf(pair.key, keySpot, field)
        if (key === undefined) continue
        entries.set(key, { keySpot, value: this.convert(pair.value, joinField(field, key), depth + 1, keySpot) })
      }
      return { kind: 'map', entries, spot }
    }
    if (isSeq(node)) {
      return {
        kind: 'list',
        items: node.items.map((item, i) => this.convert(item, joinField(field, i), depth + 1, spot)),
        spot,
      }
    }
    if (node === null || node === undefined) return { kind: 'scalar', value: null, referenced: false, spot }
    if (isScalar(node)) {
      const { value } = node
      const source = node.source === undefined ? {} : { source: node.source }
      if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
        return { kind: 'scalar', value, ...source, referenced: false, spot }
      }
    }
    this.report('only maps, lists, text, numbers, true, false and null are allowed here', spot, field)
    return { kind: 'broken', spot }
  }

  private keyOf(key: unknown, spot: Spot, field: string): string | undefined {
    if (isScalar(key) && key.value !== null)
      return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
    this.report('a key must be text', spot, field)
    return undefined
  }

  private spotOf(node: unknown): Spot | undefined {
    if (!isScalar(node) && !isMap(node) && !isSeq(node) && !isAlias(node)) return undefined
    return node.range ? this.spotAt(node.range[0]) : undefined
  }

  private report(message: string, spot: Spot, field: string): void {
    this.errors.push(errorAt('config-syntax', message, spot, field))
  }
}
