import type { Contract, ContractChannel } from '../../contract/contract.ts'
import { escapeSegment } from '../../contract/json-pointer.ts'
import { ChannelMatcher } from '../../matching/channel-matcher.ts'
import { plainNameDiagnostics } from '../../matching/default-names.ts'
import { compileMessage } from '../../messages/message-check.ts'
import { SchemaCompiler } from '../../schemas/schema-compiler.ts'
import type { Extraction } from './extraction.ts'

/**
 * Reports problems that only show when a contract is used: schemas and patterns that do not compile (errors, because their
 * payloads would pass unchecked), formats that are not checked, addresses that tie, Kafka topics that clash.
 */
export function lintContract(extraction: Extraction, contract: Contract): void {
  const compiler = new SchemaCompiler()
  const matcher = new ChannelMatcher<string>()
  const seen = new Set<string>()
  for (const channel of contract.channels) {
    const pointer = `/channels/${escapeSegment(channel.id)}`
    if (channel.address !== null) matcher.add(channel.address, channel.parameters, channel.id, pointer)
    lintMessages(extraction, compiler, channel, pointer, seen)
    for (const { name, schema } of channel.parameters) {
      const problem = schema === undefined ? undefined : compiler.compileText(schema).problem
      if (problem === undefined) continue
      extraction.report(
        'error',
        `The schema of the parameter ${name} is not usable and not checked: ${problem}`,
        pointer,
      )
    }
  }
  const { diagnostics: ties } = matcher
  for (const { severity, message, pointer } of [...ties, ...plainNameDiagnostics(contract.channels)]) {
    extraction.report(severity, message, pointer)
  }
}

function lintMessages(
  extraction: Extraction,
  compiler: SchemaCompiler,
  channel: ContractChannel,
  pointer: string,
  seen: Set<string>,
): void {
  for (const message of channel.messages) {
    // Channels share messages; each schema is compiled and reported once.
    const key = JSON.stringify([
      message.name,
      message.payload,
      message.headers,
      message.schemaFormat,
      message.contentType,
    ])
    if (seen.has(key)) continue
    seen.add(key)
    const check = compileMessage(message, compiler)
    const at = extraction.messagePointers.get(message) ?? pointer
    const payloadAt = message.payload === undefined ? at : `${at}/payload`
    const broken = check.payload?.problem ?? check.headers?.problem
    const place = check.payload?.problem === undefined && broken !== undefined ? `${at}/headers` : payloadAt
    if (check.unchecked !== undefined) {
      const text = `The message ${message.name} is not checked: ${check.unchecked}`
      extraction.report(broken === undefined ? 'warning' : 'error', text, place)
    }
    for (const note of [...(check.payload?.notes ?? []), ...(check.headers?.notes ?? [])]) {
      extraction.report('information', `The message ${message.name}: ${note}`, at)
    }
  }
}
