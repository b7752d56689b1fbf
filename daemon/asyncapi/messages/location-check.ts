import type { Headers, Violation } from '../../core/message.ts'
import type { ContractParameter } from '../contract/contract.ts'
import { asText, evaluate, parseExpression, type RuntimeExpression } from '../contract/runtime-expression.ts'
import { shortText } from '../schemas/violation.ts'

/** Checks that each topic parameter equals the value that the message has at the parameter's `location`. */
export class LocationCheck {
  private readonly locations: readonly { name: string; expression: RuntimeExpression }[]

  private constructor(locations: readonly { name: string; expression: RuntimeExpression }[]) {
    this.locations = locations
  }

  /** Returns undefined if no parameter has a readable location. */
  static of(parameters: readonly ContractParameter[]): LocationCheck | undefined {
    const locations = parameters.flatMap(({ name, location }) => {
      const expression = location === undefined ? undefined : parseExpression(location)
      return expression === undefined ? [] : [{ name, expression }]
    })
    return locations.length === 0 ? undefined : new LocationCheck(locations)
  }

  /** Returns the first parameter that differs. A message without the field passes. */
  violation(
    parameters: Readonly<Record<string, string>>,
    accepted: { readonly value: unknown },
    headers: Headers | undefined,
  ): Violation | undefined {
    for (const { name, expression } of this.locations) {
      const found = evaluate(expression, expression.source === 'payload' ? accepted.value : headers)
      const expected = Object.hasOwn(parameters, name) ? parameters[name] : undefined
      if (found === undefined || expected === undefined || asText(found) === expected) continue
      const pointer = expression.source === 'payload' ? expression.pointer : `$message.header#${expression.pointer}`
      return { pointer, keyword: 'location', expected: shortText(expected), actual: shortText(found) }
    }
    return undefined
  }
}
