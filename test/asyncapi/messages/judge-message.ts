import type { Contract, ContractChannel } from '../../../daemon/asyncapi/contract/contract.ts'
import { ChannelMatcher } from '../../../daemon/asyncapi/matching/channel-matcher.ts'
import { MessageValidator } from '../../../daemon/asyncapi/messages/message-validator.ts'

/** Judges a payload on a topic. Returns the name of its message, or the reason of the refusal. */
export function judgeMessage(
  contract: Contract,
  topic: string,
  payload: string | Uint8Array,
  action?: 'receive' | 'send',
): string {
  const matcher = new ChannelMatcher<ContractChannel>()
  const validator = new MessageValidator()
  for (const channel of contract.channels)
    if (channel.address !== null) matcher.add(channel.address, channel.parameters, channel)
  const match = matcher.match(topic)
  if (match === undefined) return matcher.refusal(topic) === undefined ? 'no channel' : 'parameter-invalid'
  const verdicts = match.values.map((channel) =>
    validator.validate(channel, Buffer.from(payload), undefined, {
      parameters: () => match.parameters(channel),
      ...(action === undefined ? {} : { action }),
    }),
  )
  const found = verdicts.find((verdict) => verdict.ok)
  return found?.ok === true ? found.message.name : verdicts.map((verdict) => (verdict.ok ? '' : verdict.code)).join()
}
