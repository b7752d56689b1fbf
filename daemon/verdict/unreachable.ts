import type { ActiveChannel } from './compiled-document.ts'
import type { Judgement, RefusedMessage } from './judgement.ts'

/**
 * Refuses a message on a channel of upstreams where none of these is configured: it would be accepted and go nowhere. Any other
 * judgement is returned as it is.
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
