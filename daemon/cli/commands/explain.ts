import { text as readAll } from 'node:stream/consumers'
import { EdgeError, messageOf } from '../../core/errors.ts'
import { parseJson } from '../../core/json.ts'
import { loadDocuments, type DocumentCache } from '../../manager/document-loader.ts'
import { expandDocuments } from '../../settings/loading/expand-documents.ts'
import { Catalogue } from '../../verdict/catalogue.ts'
import { detachedContext } from '../../verdict/detached-context.ts'
import { Judge } from '../../verdict/judge.ts'
import type { Judgement } from '../../verdict/judgement.ts'
import { TargetRenderer } from '../../verdict/render-target.ts'
import { upstreamChannels } from '../../verdict/upstream-channels.ts'
import type { CliContext } from '../cli-context.ts'
import { EXIT } from '../exit-codes.ts'
import { loadConfiguration } from '../load-configuration.ts'
import { printErrors } from '../print-errors.ts'

const NO_CACHE: DocumentCache = {
  contract: () => undefined,
  lastGood: () => undefined,
  remember: () => undefined,
  rememberFile: () => undefined,
}

interface Explanation {
  topic: string
  channels: {
    document: string
    address: string | null
    parameters: Record<string, string>
    direction: 'receive' | 'send'
  }[]
  /** Channels of other servers only: the API publishes on them, devices do not. Without a destination it is refused. */
  upstreamChannels: { document: string; address: string | null; destinations: string[] }[]
  verdict: 'valid' | 'invalid' | 'unmatched' | 'not judged'
  code?: string
  errors?: readonly object[]
  document?: string | null
  message?: string | null
  wrongDirection?: boolean
  destinations?: { to: string; address: string; key: string | null; lane: string }[]
}

/** Shows what would happen to a message on a topic, by the configuration and its documents. Stores and sends nothing. */
export async function explain(
  topic: string,
  payload: string | undefined,
  options: { config?: string; json?: boolean },
  context: CliContext,
): Promise<number> {
  const loaded = loadConfiguration(options.config, context)
  if (!loaded.ok) return printErrors(context, loaded.errors)
  const { settings } = loaded
  const documents = await loadDocuments(expandDocuments(settings), NO_CACHE, { cpuMs: settings.checkCpuMs })
  const failed = printErrors(
    context,
    documents.failures.flatMap((failure) => failure.errors),
  )
  if (failed !== EXIT.ok) return failed
  const upstreams = Object.keys(settings.upstreams)
  const detached = detachedContext({ upstreams, routes: settings.routes })
  const catalogue = new Catalogue(documents.documents, detached)
  const text = payload === '-' ? await readAll(context.stdin) : payload
  const judge = new Judge(catalogue, detached.book, settings.unmatched, detached.settings)
  const found = catalogue.matchOf(topic)
  const explanation: Explanation = {
    topic,
    channels: found.matches.flatMap((match) =>
      match.values.map((one) => ({
        document: one.document,
        address: one.channel.address,
        parameters: match.parameters(one),
        direction: one.receives ? ('receive' as const) : ('send' as const),
      })),
    ),
    upstreamChannels: upstreamChannels(documents.documents, detached, topic).map(({ document, channel, plans }) => ({
      document,
      address: channel.address,
      destinations: plans.targets(channel.messages[0]).map((target) => target.to),
    })),
    verdict: 'not judged',
  }
  if (text !== undefined) Object.assign(explanation, verdictOf(judge.judge(topic, Buffer.from(text)), topic, text))
  else if (found.matches.length === 0) explanation.verdict = 'unmatched'
  context.stdout.write(options.json === true ? `${JSON.stringify(explanation)}\n` : toText(explanation))
  return EXIT.ok
}

function verdictOf(judgement: Judgement, topic: string, payload: string): Partial<Explanation> {
  if (judgement.verdict === 'refuse') {
    const { code, errors, document, message } = judgement
    return { verdict: 'invalid', code, errors, document, message }
  }
  const { plan } = judgement
  const destinations = plan.targets.map((target) => {
    try {
      const { address, key } = new TargetRenderer(plan, target).render({
        topic,
        headers: {},
        payload: () => parseJson(payload),
      })
      return { to: target.to, address, key, lane: plan.lane }
    } catch (error) {
      if (!(error instanceof EdgeError)) throw error
      return { to: target.to, address: `refused: ${messageOf(error)}`, key: null, lane: plan.lane }
    }
  })
  return {
    verdict: plan.document === null ? 'unmatched' : plan.invalid === true ? 'invalid' : 'valid',
    document: plan.document,
    message: plan.message,
    wrongDirection: judgement.wrongDirection,
    destinations,
  }
}

function toText(explanation: Explanation): string {
  const lines = [`topic        ${explanation.topic}`]
  for (const { document, address, parameters, direction } of explanation.channels) {
    const named = Object.entries(parameters).map(([name, value]) => `${name}=${value}`)
    lines.push(
      `channel      ${address ?? ''} of ${document}${named.length === 0 ? '' : ` (${named.join(', ')})`}, we ${direction}`,
    )
  }
  for (const { document, address, destinations } of explanation.upstreamChannels) {
    lines.push(`upstream     ${address ?? ''} of ${document}: only the API publishes on it, devices do not`)
    if (destinations.length === 0)
      lines.push('             refused (upstream-missing): add one of its servers to upstreams')
  }
  if (explanation.channels.length === 0) lines.push('channel      none: no document describes this topic for devices')
  lines.push(`verdict      ${explanation.verdict}${explanation.code === undefined ? '' : ` (${explanation.code})`}`)
  if (explanation.message !== undefined && explanation.message !== null)
    lines.push(`message      ${explanation.message}`)
  for (const error of explanation.errors ?? [])
    lines.push(
      `  ${Object.entries(error)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ')}`,
    )
  if (explanation.wrongDirection === true)
    lines.push(
      'direction    wrong: this channel is for messages to devices; the message is delivered locally, never forwarded',
    )
  for (const { to, address, key } of explanation.destinations ?? [])
    lines.push(`destination  ${to}: ${address}${key === null ? '' : `, key ${key}`}`)
  return `${lines.join('\n')}\n`
}
