import type { ActiveChannel } from './compiled-document.ts'
import type { Judgement, RefusedMessage } from './judgement.ts'

/**
 * A channel of other servers alone is delivered to nobody here: where none of them is an upstream of this gateway, a message
 * on it would be accepted and reach nobody. Returns why it is refused, else the judgement as it is.
 */
export function refuseUnreachable(active: ActiveChannel, judgement: Judgement): Judgement {
  if (judgement.verdict === 'refuse' || judgement.plan.targets.length > 0) return judgement
  return unreachable(active)
}

function unreachable({ channel, document, ...active }: ActiveChannel): RefusedMessage {
  const { servers } = channel
  const named = servers.length === 0 ? 'a server of the document' : servers.join(' or ')
  return {
    verdict: 'refuse',
    code: 'upstream-missing',
    errors: [
      {
        pointer: '',
        keyword: 'upstream',
        expected: `${named} among the upstreams of this gateway, and a route to it`,
        actual: 'the message would go nowhere',
      },
    ],
    document,
    message: null,
    disconnect: false,
    channel: { channel, document, ...active },
  }
}
