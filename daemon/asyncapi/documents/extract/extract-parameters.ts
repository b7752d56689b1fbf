import { EdgeError } from '../../../core/errors.ts'
import type { ContractParameter, JsonSchema } from '../../contract/contract.ts'
import { parseExpression } from '../../contract/runtime-expression.ts'
import { addressParameters } from '../../matching/address.ts'
import { bundleSchema } from './bundle-schema.ts'
import { optionalText, textOf, type Extraction } from './extraction.ts'

/** Extracts the parameters of a channel, declared or not, in the order of the address. */
export function extractParameters(
  extraction: Extraction,
  given: unknown,
  address: string | null,
  pointer: string,
): ContractParameter[] {
  const names = address === null ? [] : [...new Set(addressParameters(address))]
  const declared = extraction.entries(given, `${pointer}/parameters`)
  for (const entry of declared) {
    if (address === null || names.includes(entry.name)) continue
    extraction.report('warning', `The parameter ${entry.name} is not in the address.`, entry.at)
  }
  const all = [...names, ...declared.map((entry) => entry.name).filter((name) => !names.includes(name))]
  return all.map((name) => {
    const entry = declared.find((one) => one.name === name)
    if (entry === undefined) return { name }
    const { value } = entry
    const schema = readSchema(extraction, value['schema'], `${entry.pointer}/schema`)
    const fromSchema = typeof schema === 'object' ? schema : {}
    const choices = value['enum'] ?? fromSchema['enum']
    const location = textOf(value['location'])
    if (location !== undefined && parseExpression(location) === undefined) {
      extraction.report('warning', `The location of the parameter ${name} cannot be read: it is not checked.`, entry.at)
    }
    return {
      name,
      ...optionalText('description', value['description']),
      ...(Array.isArray(choices) ? { enum: choices.map(String) } : {}),
      ...optionalText('default', value['default'] ?? fromSchema['default']),
      ...(schema === undefined ? {} : { schema }),
      ...optionalText('location', location),
    }
  })
}

function readSchema(extraction: Extraction, given: unknown, pointer: string): JsonSchema | undefined {
  if (given === undefined || given === null) return undefined
  try {
    return bundleSchema(extraction, given, pointer)
  } catch (error) {
    if (!(error instanceof EdgeError) || error.code !== 'document-invalid') throw error
    extraction.report('error', `${error.message} The parameter is not checked.`, pointer)
    return undefined
  }
}
