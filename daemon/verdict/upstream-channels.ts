import { ChannelMatcher } from '../asyncapi/matching/channel-matcher.ts'
import { SchemaCompiler } from '../asyncapi/schemas/schema-compiler.ts'
import { CompiledDocument, type ActiveChannel, type ActiveDocument, type CompileContext } from './compiled-document.ts'

/** The channels of upstreams whose addresses match a topic. Messages of devices never belong to them. */
export function upstreamChannels(
  documents: readonly ActiveDocument[],
  context: CompileContext,
  topic: string,
): ActiveChannel[] {
  return documents.flatMap((document) => {
    const matcher = new ChannelMatcher<ActiveChannel>(new SchemaCompiler())
    for (const active of CompiledDocument.compile(document, context).channels.values()) {
      const { channel, upstreamOnly } = active
      if (upstreamOnly && channel.address !== null) matcher.add(channel.address, channel.parameters, active)
    }
    return [...(matcher.match(topic)?.values ?? [])]
  })
}
