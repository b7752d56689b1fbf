import { isAlias, isMap, isScalar, isSeq, type Document, type LineCounter } from 'yaml'
import type { Place } from '../../../core/errors.ts'
import { pointerSegments } from '../../contract/json-pointer.ts'

/** Finds the line and column of a JSON pointer in the text. A pointer without a value has the place of its nearest ancestor. */
export class SourceMap {
  private readonly document: Document
  private readonly lines: LineCounter
  private readonly file: string | undefined

  constructor(document: Document, lines: LineCounter, file: string | undefined) {
    this.document = document
    this.lines = lines
    this.file = file
  }

  placeOf(pointer: string): Place {
    let node: unknown = this.document.contents
    let offset = startOf(node) ?? 0
    for (const segment of pointerSegments(pointer)) {
      if (isAlias(node)) node = node.resolve(this.document)
      const found = step(node, segment)
      if (found === undefined) break
      node = found.value
      offset = found.offset ?? offset
    }
    return { ...this.placeAt(offset), field: pointer === '' ? '/' : pointer }
  }

  /** Line and column, both from 1, of an offset in characters. */
  placeAt(offset: number): Place {
    const { line, col } = this.lines.linePos(offset)
    return {
      ...(this.file === undefined ? {} : { file: this.file }),
      line: Math.max(line, 1),
      column: Math.max(col, 1),
    }
  }
}

function step(node: unknown, segment: string): { value: unknown; offset: number | undefined } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => (isScalar(key) ? String(key.value) : String(key)) === segment)
    return pair === undefined ? undefined : { value: pair.value, offset: startOf(pair.key) }
  }
  if (!isSeq(node) || !/^\d+$/.test(segment)) return undefined
  const value: unknown = node.items[Number(segment)]
  return value === undefined ? undefined : { value, offset: startOf(value) }
}

function startOf(node: unknown): number | undefined {
  return isMap(node) || isSeq(node) || isScalar(node) || isAlias(node) ? node.range?.[0] : undefined
}
