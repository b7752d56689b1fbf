import type { ContractChannel, ContractMessage, ContractOperation } from '../../contract/contract.ts'
import { pointerSegments } from '../../contract/json-pointer.ts'
import { extractMessage } from './extract-message.ts'
import { extractParameters } from './extract-parameters.ts'
import { securityNames } from './extract-servers.ts'
import { optionalText, textOf, type Extraction, type Located, type NamedEntry } from './extraction.ts'
import type { BridgeReader } from './read-bridge.ts'
import { applyTraits } from './traits.ts'

/** In 2.x, `publish` names the messages that others publish and the application receives. */
const ACTIONS = { publish: 'receive', subscribe: 'send' } as const

/** Extracts the channels of 2.0 to 2.6: the key is the address, and the channel contains operations and messages. */
export function extractV2Channels(extraction: Extraction, bridges: BridgeReader): ContractChannel[] {
  const anonymous = new Map<string, string>()
  return extraction.entries(extraction.root['channels'], '/channels').map((entry) => {
    const { name: address, value } = entry
    const messages = new ChannelMessages(extraction, bridges, anonymous)
    const operations = (['publish', 'subscribe'] as const).flatMap((kind) => {
      const found = extraction.object(value[kind], `${entry.pointer}/${kind}`)
      return found === undefined ? [] : [extractOperation(extraction, bridges, entry, kind, found, messages)]
    })
    const servers: unknown = value['servers']
    return {
      id: address,
      address,
      ...optionalText('title', value['title'] ?? value['summary']),
      ...optionalText('description', value['description']),
      parameters: extractParameters(extraction, value['parameters'], address, entry.pointer),
      servers: Array.isArray(servers) ? servers.filter((server) => typeof server === 'string') : [],
      messages: messages.all,
      operations,
      bindings: extraction.expandObject(value['bindings']),
      bridge: bridges.read(extraction, entry, 'channel'),
    }
  })
}

function extractOperation(
  extraction: Extraction,
  bridges: BridgeReader,
  channel: NamedEntry,
  kind: 'publish' | 'subscribe',
  raw: Located,
  messages: ChannelMessages,
): ContractOperation {
  const operation = applyTraits(extraction, raw)
  const { value, pointer } = operation
  return {
    id: textOf(value['operationId']) ?? `${channel.name}.${kind}`,
    action: ACTIONS[kind],
    messages: messages.addField(value['message'], `${pointer}/message`),
    bindings: extraction.expandObject(value['bindings']),
    security: securityNames(value['security']),
    bridge: bridges.read(extraction, operation, 'operation'),
  }
}

/** The messages of one channel; a message that both operations refer to is extracted once. */
class ChannelMessages {
  readonly all: ContractMessage[] = []
  private readonly extraction: Extraction
  private readonly bridges: BridgeReader
  private readonly byPointer = new Map<string, string>()
  private readonly anonymous: Map<string, string>

  constructor(extraction: Extraction, bridges: BridgeReader, anonymous: Map<string, string>) {
    this.extraction = extraction
    this.bridges = bridges
    this.anonymous = anonymous
  }

  /** Extracts the `message` field of an operation, which is one message or `oneOf` several. Returns their names. */
  addField(message: unknown, pointer: string): string[] {
    const found = this.extraction.message(message, pointer)
    if (found === undefined) return []
    const choices: unknown = found.value['oneOf']
    if (!Array.isArray(choices)) return [this.addMessage(found)]
    const names = choices.flatMap((choice: unknown, index) => {
      const one = this.extraction.message(choice, `${found.pointer}/oneOf/${index}`)
      return one === undefined ? [] : [this.addMessage(one)]
    })
    return [...new Set(names)]
  }

  private addMessage(message: Located): string {
    const known = this.byPointer.get(message.pointer)
    if (known !== undefined) return known
    const plain = this.nameOf(message)
    let name = plain
    for (let count = 2; this.all.some((one) => one.name === name); count++) name = `${plain}-${count}`
    this.byPointer.set(message.pointer, name)
    this.all.push(extractMessage(this.extraction, this.bridges, message, name))
    return name
  }

  private nameOf({ value, pointer }: Located): string {
    const own = textOf(value['name']) ?? textOf(value['messageId'])
    if (own !== undefined && own !== '') return own
    const [components, messages, key, ...rest] = pointerSegments(pointer)
    if (components === 'components' && messages === 'messages' && key !== undefined && rest.length === 0) return key
    const name = this.anonymous.get(pointer) ?? this.extraction.nextAnonymous()
    this.anonymous.set(pointer, name)
    return name
  }
}
