import type { EdgeError } from '../../core/errors.ts'
import { errorAt, type Located, type PlainValue } from '../loading/located.ts'

export type JsonSchema = { readonly [keyword: string]: PlainValue }

/** What reading needs from outside, and where it leaves what it finds. */
export interface ReadContext {
  readonly cwd: string
  readonly hostName: string
  readonly stateDirectory: string | undefined
  readonly errors: EdgeError[]
  readonly secrets: Set<string>
}

/** One description of a value: how it is read, and the JSON Schema that editors and the documentation use. */
export interface Schema<T> {
  readonly json: JsonSchema
  /** Undefined after the faults have been reported; it goes on after the first one. */
  read(node: Located, field: string, context: ReadContext): T | undefined
}

/** Reports `expected …, found …`; silent where the fault was reported before. */
export function reportInvalid(context: ReadContext, node: Located, field: string, expected: string): undefined {
  if (node.kind === 'broken') return
  context.errors.push(errorAt('config-invalid', `expected ${expected}, found ${describe(node)}`, node.spot, field))
}

function describe(node: Located): string {
  if (node.kind === 'map') return 'a map'
  if (node.kind === 'list') return 'a list'
  if (node.kind === 'broken' || node.value === null) return 'nothing'
  if (node.referenced) return 'another value behind the reference'
  if (typeof node.value === 'string') return JSON.stringify(shorten(node.value))
  return typeof node.value === 'number' ? `the number ${node.value}` : String(node.value)
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** Goes on from a value that was read; return undefined after reporting a fault. */
export function refine<T, U>(
  schema: Schema<T>,
  next: (value: T, node: Located, field: string, context: ReadContext) => U | undefined,
): Schema<U> {
  return {
    json: schema.json,
    read(node, field, context) {
      const value = schema.read(node, field, context)
      return value === undefined ? undefined : next(value, node, field, context)
    },
  }
}
