import type { ContractMessage } from '../../contract/contract.ts'
import { isRecord } from '../../schemas/schema-keywords.ts'

type Example = ContractMessage['examples'][number]

const MAX_EXAMPLES = 20

/** The four shapes in which documents give examples: `{payload, headers}`, `{name: {payload}}`, and the bare value. */
export function readExamples(value: unknown): Example[] {
  return Array.isArray(value) ? value.flatMap(readExample).slice(0, MAX_EXAMPLES) : []
}

function readExample(value: unknown): Example[] {
  if (!isRecord(value)) return [{ payload: value }]
  if ('payload' in value || 'headers' in value) return [describe(value, value['name'])]
  const named = Object.entries(value)
  if (named.length === 0 || !named.every(([, item]) => isRecord(item) && 'payload' in item)) return [{ payload: value }]
  return named.flatMap(([name, item]) => (isRecord(item) ? [describe(item, name)] : []))
}

function describe(value: Readonly<Record<string, unknown>>, name: unknown): Example {
  return {
    ...(typeof name === 'string' ? { name } : {}),
    ...('payload' in value ? { payload: value['payload'] } : {}),
    ...('headers' in value ? { headers: value['headers'] } : {}),
  }
}
