import type { Logger } from '../core/logger.ts'
import type { UpstreamSettings } from '../settings/sections/upstream-common.ts'
import type { Settings } from '../settings/settings.ts'
import type { LogReader } from '../store/log/log-reader.ts'
import type { MessageLog } from '../store/log/message-log.ts'
import type { Catalogue } from '../verdict/catalogue.ts'
import type { PlanBook } from '../verdict/plan-book.ts'
import type { Plan, PlanTarget } from '../verdict/plan.ts'
import { joinTargets } from '../verdict/targets.ts'

export interface AdoptOptions {
  settings: Pick<Settings, 'upstreams' | 'routes' | 'unmatched'>
  reader: LogReader
  log: MessageLog
  book: PlanBook
  catalogue: Catalogue
  logger: Logger
}

/**
 * Gives new upstreams with `from: oldest` the stored messages that would go to them now. Must be called when new settings are in
 * force, before a message is accepted under them and before the forwarder knows them.
 */
export async function adoptHistory({ settings, reader, log, book, catalogue, logger }: AdoptOptions): Promise<void> {
  const names = newUpstreams(settings.upstreams, reader)
  if (names.length === 0) return
  const passUnmatched = settings.unmatched === 'pass' && settings.routes.length === 0
  const op = book.adopt((plan) => adoptedTargets(plan, names, catalogue, passUnmatched))
  if (op === undefined) return
  await log.commit(op)
  logger.info({ upstreams: names }, 'new upstreams get the messages that the log still has')
}

/** Upstreams with `from: oldest` that have neither cursors nor streams yet. */
function newUpstreams(upstreams: Readonly<Record<string, UpstreamSettings>>, reader: LogReader): string[] {
  const known = reader.snapshot(
    () =>
      new Set([
        ...reader.cursors().map((row) => row.destination),
        ...reader.streams().flatMap((row) => row.destinations),
      ]),
  )
  return Object.entries(upstreams)
    .filter(([name, upstream]) => upstream.from === 'oldest' && !known.has(name))
    .map(([name]) => name)
}

/**
 * The targets among the named destinations that messages of a stored plan would get if they were accepted now. Routes that match
 * some topics of the channel only add nothing, because one plan covers many topics.
 */
function adoptedTargets(
  plan: Plan,
  names: readonly string[],
  catalogue: Catalogue,
  passUnmatched: boolean,
): PlanTarget[] {
  if (plan.document === null) return passUnmatched ? names.map((to) => ({ to, address: null, key: null })) : []
  let targets: PlanTarget[] = []
  for (const id of plan.channelIds ?? []) {
    const active = catalogue.channel(id)
    if (active === undefined) continue
    const { channel, plans } = active
    const message = channel.messages.find((one) => one.name === plan.message)
    const more = plans.targets(plan.invalid === true ? undefined : message)
    targets = joinTargets({ channel: plan.channel, targets }, { channel: channel.address, targets: more })
  }
  return targets.filter((target) => names.includes(target.to))
}
