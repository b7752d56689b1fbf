import { EdgeError } from '../../core/errors.ts'
import { isTopicLevel } from '../../core/topic-text.ts'
import type { ContractChannel, ContractParameter } from '../contract/contract.ts'
import { childOf } from '../contract/json-pointer.ts'
import { asText } from '../contract/runtime-expression.ts'
import { shortText } from '../schemas/violation.ts'
import { addressParameters } from './address.ts'

/**
 * Renders the topic to publish to. The value of a parameter is the given one, else the payload's field of that name
 * (string, number or boolean), else its default, else its only enum value. Throws EdgeError `channel-unaddressed`,
 * `parameter-missing` or `parameter-invalid`; the field of its place is `parameters.<name>`.
 */
export function renderAddress(
  channel: ContractChannel,
  parameters: Readonly<Record<string, string>>,
  payloadValue: unknown,
): string {
  const { address } = channel
  if (address === null) {
    throw new EdgeError('channel-unaddressed', `The channel ${channel.id} has no address.`)
  }
  if (/[+#]/.test(address)) {
    throw new EdgeError('channel-unaddressed', `The address ${address} is a filter, not one topic.`)
  }
  const values = new Map(
    addressParameters(address).map((name) => {
      const declared = channel.parameters.find((one) => one.name === name)
      return [name, valueOf(name, declared, parameters, payloadValue)]
    }),
  )
  return address.replace(/\{([^{}/]+)\}/g, (whole, name: string) => values.get(name) ?? whole)
}

function valueOf(
  name: string,
  declared: ContractParameter | undefined,
  parameters: Readonly<Record<string, string>>,
  payloadValue: unknown,
): string {
  const place = { field: `parameters.${name}` }
  const choices = declared?.enum
  const value =
    (Object.hasOwn(parameters, name) ? parameters[name] : undefined) ??
    asText(childOf(payloadValue, name)) ??
    declared?.default ??
    (choices?.length === 1 ? choices[0] : undefined)
  if (value === undefined) {
    throw new EdgeError('parameter-missing', `The address parameter ${name} has no value.`, { place })
  }
  const fault =
    value === ''
      ? 'is empty'
      : !isTopicLevel(value)
        ? 'holds /, +, # or a control character'
        : choices !== undefined && !choices.includes(value)
          ? `is none of ${choices.join(', ').slice(0, 200)}`
          : undefined
  if (fault === undefined) return value
  throw new EdgeError('parameter-invalid', `The address parameter ${name}, ${shortText(value)}, ${fault}.`, { place })
}
