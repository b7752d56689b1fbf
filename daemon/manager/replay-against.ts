import type { Contract } from '../asyncapi/contract/contract.ts'
import type { History } from '../feed/history.ts'
import { Catalogue } from '../verdict/catalogue.ts'
import { detachedContext } from '../verdict/detached-context.ts'
import { Judge } from '../verdict/judge.ts'

export interface ReplayResult {
  /** Stored messages on channels of the document. */
  checked: number
  rejected: number
  /** False where the log held more messages than were looked at. */
  complete: boolean
  reasons: { code: string; channel: string; message: string | null; pointer: string; keyword: string; count: number }[]
  devices: { client_id: string; rejected: number }[]
}

const MAX_MESSAGES = 100_000
const MAX_MS = 10_000
const SLICE_MS = 5
const MAX_LISTED = 100
const MAX_KEYS = 10_000

/** Judges stored messages by a document that is not in force, in steps between which devices are served. */
export async function replayAgainst(history: History, contract: Contract, name: string): Promise<ReplayResult> {
  const judge = judgeOf(contract, name)
  const reasons = new Map<string, ReplayResult['reasons'][number]>()
  const devices = new Map<string, number>()
  const endAt = performance.now() + MAX_MS
  let sliceEnd = performance.now() + SLICE_MS
  let checked = 0
  let rejected = 0
  let seen = 0
  let after = 0
  for (;;) {
    const page = history.page(after)
    after = page.lastSeq
    for (const { topic, payload, headers, clientId } of page.messages) {
      seen++
      if (performance.now() > sliceEnd) {
        await new Promise((resolve) => setImmediate(resolve))
        sliceEnd = performance.now() + SLICE_MS
      }
      const found = judge.catalogue.matchOf(topic)
      if (found.matches.length === 0 && found.misfit === undefined) continue
      checked++
      const judgement = judge.judge(topic, payload, headers)
      if (judgement.verdict === 'pass' && !judgement.invalid) continue
      rejected++
      if (devices.size < MAX_KEYS || devices.has(clientId)) devices.set(clientId, (devices.get(clientId) ?? 0) + 1)
      if (judgement.verdict === 'refuse') note(reasons, judgement)
    }
    if (page.atEnd) return result(true)
    if (seen >= MAX_MESSAGES || performance.now() > endAt) return result(false)
    await new Promise((resolve) => setImmediate(resolve))
  }

  function result(complete: boolean): ReplayResult {
    const listed = [...reasons.values()].sort((a, b) => b.count - a.count).slice(0, MAX_LISTED)
    const named = [...devices].map(([client_id, count]) => ({ client_id, rejected: count }))
    named.sort((a, b) => b.rejected - a.rejected)
    return { checked, rejected, complete, reasons: listed, devices: named.slice(0, MAX_LISTED) }
  }
}

function note(
  reasons: Map<string, ReplayResult['reasons'][number]>,
  { code, channel, message, errors }: Extract<ReturnType<Judge['judge']>, { verdict: 'refuse' }>,
): void {
  const { pointer = '', keyword = '' } = errors[0] ?? {}
  const address = channel?.channel.address ?? ''
  const key = JSON.stringify([code, address, message, pointer, keyword])
  const known = reasons.get(key)
  if (known !== undefined) known.count++
  else if (reasons.size < MAX_KEYS) reasons.set(key, { code, channel: address, message, pointer, keyword, count: 1 })
}

/** A catalogue of this document alone, whose plans and counts are discarded. */
function judgeOf(contract: Contract, name: string): Judge {
  const context = detachedContext({ upstreams: [], routes: [] })
  const catalogue = new Catalogue([{ name, version: contract.version, contract }], context)
  return new Judge(catalogue, context.book, 'local', context.settings)
}
