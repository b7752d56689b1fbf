import { Ajv, type ErrorObject } from 'ajv'
import { EdgeError } from '../../../core/errors.ts'
import { type Bridge, BRIDGE_PLACES, BRIDGE_SCHEMA } from '../../contract/bridge.ts'
import { readPointer, isRecord } from '../../contract/json-pointer.ts'
import { compileTemplate } from '../../matching/template.ts'
import { shortText } from '../../schemas/violation.ts'
import type { Extraction, Located } from './extraction.ts'

export type BridgePlace = 'document' | 'server' | 'channel' | 'operation' | 'message'

/** Reads and checks the `x-bridge` extension. */
export class BridgeReader {
  private readonly validate = new Ajv({ allErrors: true, strict: false, ownProperties: true }).compile<Bridge>(
    BRIDGE_SCHEMA,
  )

  /** Unknown keys are dropped with a warning. A wrong value refuses the document, because messages would go astray. */
  read(extraction: Extraction, holder: Located, place: BridgePlace): Bridge {
    const given = holder.value['x-bridge']
    const pointer = `${holder.pointer}/x-bridge`
    if (given === undefined) return {}
    const value: unknown = structuredClone(given)
    if (!this.validate(value)) {
      for (const error of this.validate.errors ?? []) this.report(extraction, value, error, pointer)
    }
    if (!this.validate(value)) return {}
    this.checkPlaces(extraction, value, place, pointer)
    this.checkTemplates(extraction, value, pointer)
    return value
  }

  private report(extraction: Extraction, value: unknown, error: ErrorObject, pointer: string): void {
    const at = `${pointer}${error.instancePath}`
    if (error.keyword !== 'additionalProperties') {
      const params: Record<string, unknown> = error.params
      const allowed = Array.isArray(params['allowedValues']) ? `: ${params['allowedValues'].join(', ')}` : ''
      const actual = shortText(readPointer(value, error.instancePath))
      extraction.refuse(`x-bridge${error.instancePath} ${error.message ?? 'is wrong'}${allowed}; it is ${actual}.`, at)
      return
    }
    const params: Record<string, unknown> = error.params
    const name = String(params['additionalProperty'])
    extraction.report('warning', `x-bridge has no key ${JSON.stringify(name)}: it is ignored.`, `${at}/${name}`)
    const owner = readPointer(value, error.instancePath)
    if (isRecord(owner)) delete owner[name]
  }

  private checkPlaces(extraction: Extraction, bridge: Bridge, place: BridgePlace, pointer: string): void {
    for (const key of Object.keys(bridge)) {
      const only = BRIDGE_PLACES[key]
      if (only === undefined || only === place) continue
      extraction.report(
        'warning',
        `x-bridge.${key} has a meaning on the ${only} only: it is ignored.`,
        `${pointer}/${key}`,
      )
    }
  }

  private checkTemplates(extraction: Extraction, bridge: Bridge, pointer: string): void {
    for (const [index, target] of (bridge.forward ?? []).entries()) {
      const texts = { topic: target.topic, routingKey: target.routingKey, key: target.key, ...target.headers }
      for (const [name, text] of Object.entries(texts)) {
        if (text === undefined) continue
        try {
          compileTemplate(text)
        } catch (error) {
          if (!(error instanceof EdgeError)) throw error
          extraction.refuse(error.message, `${pointer}/forward/${index}/${name}`)
        }
      }
    }
  }
}
