import { EdgeError } from '../../../core/errors.ts'
import type { JsonSchema } from '../../contract/contract.ts'
import { isRecord, pointerSegments } from '../../contract/json-pointer.ts'
import { isSchema, mapSubschemas } from '../../schemas/json-schema.ts'
import { pointerOf, referenceIn, resolve, resolvePointer } from '../source/resolve-reference.ts'
import type { Extraction } from './extraction.ts'

/** Ids and anchors would give references a second base; definitions are added again when they are used. */
const DROPPED = new Set([
  '$id',
  'id',
  '$schema',
  '$anchor',
  '$dynamicAnchor',
  '$recursiveAnchor',
  '$vocabulary',
  'definitions',
  '$defs',
])

/**
 * Copies a schema so that every reference points into its own `#/definitions`: recursive schemas work, and the rest of the
 * document is not needed. Fields beside a `$ref` are ignored, as AsyncAPI says.
 */
export function bundleSchema(extraction: Extraction, schema: unknown, pointer: string): JsonSchema {
  return new Bundler(extraction).bundle(schema, pointer)
}

class Bundler {
  private readonly extraction: Extraction
  private readonly names = new Map<string, string>()
  private readonly open: { name: string; schema: JsonSchema }[] = []

  constructor(extraction: Extraction) {
    this.extraction = extraction
  }

  bundle(schema: unknown, pointer: string): JsonSchema {
    const found = resolve(this.extraction.root, schema, pointer)
    const root = unwrap(found?.value)
    if (!isSchema(root)) throw notASchema(pointer)
    const copy = this.copy(root)
    const definitions: [string, JsonSchema][] = []
    for (let next = this.open.pop(); next !== undefined; next = this.open.pop()) {
      definitions.push([next.name, this.copy(next.schema)])
    }
    if (typeof copy === 'boolean') return copy
    const dialect = isRecord(root) && typeof root['$schema'] === 'string' ? { $schema: root['$schema'] } : {}
    if (definitions.length === 0) return { ...dialect, ...copy }
    definitions.sort(([a], [b]) => (a < b ? -1 : 1))
    return { ...dialect, ...copy, definitions: Object.fromEntries(definitions) }
  }

  private copy(schema: JsonSchema): JsonSchema {
    this.extraction.spend(1)
    if (typeof schema === 'boolean') return schema
    const reference = referenceIn(schema)
    if (reference !== undefined) return { $ref: `#/definitions/${this.define(reference)}` }
    const kept = Object.entries(schema).flatMap(([keyword, value]): [string, unknown][] => {
      if (DROPPED.has(keyword) || keyword.startsWith('x-parser-')) return []
      // Some authors write `properties: {$ref: …}`, although only a schema may be a reference.
      const isReferredMap = keyword.toLowerCase().endsWith('properties') && referenceIn(value) !== undefined
      return [
        [keyword, isReferredMap && !isAdditional(keyword) ? resolve(this.extraction.root, value, '')?.value : value],
      ]
    })
    return mapSubschemas(Object.fromEntries(kept), (part) => this.copy(part))
  }

  /** Returns the name of the definition. Its schema is copied later, so that recursive schemas end. */
  private define(reference: string): string {
    const found = resolvePointer(this.extraction.root, pointerOf(reference) ?? '')
    const schema = unwrap(found?.value)
    if (found === undefined || !isSchema(schema)) throw notASchema(reference)
    const known = this.names.get(found.pointer)
    if (known !== undefined) return known
    const plain = (pointerSegments(found.pointer).at(-1) ?? 'schema').replace(/[^A-Za-z0-9_.-]/g, '_') || '_'
    const taken = new Set(this.names.values())
    let name = plain
    for (let count = 2; taken.has(name); count++) name = `${plain}_${count}`
    this.names.set(found.pointer, name)
    this.open.push({ name, schema })
    return name
  }
}

function isAdditional(keyword: string): boolean {
  return keyword === 'additionalProperties' || keyword === 'unevaluatedProperties'
}

/** The schema inside a Multi Format Schema Object of 3.x. */
function unwrap(value: unknown): unknown {
  return isRecord(value) && typeof value['schemaFormat'] === 'string' && 'schema' in value ? value['schema'] : value
}

function notASchema(where: string): EdgeError {
  return new EdgeError('document-invalid', `A schema is expected at ${where.slice(0, 200)}.`, {
    place: { field: where },
  })
}
