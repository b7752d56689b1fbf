import { AcceptedTable } from '../telemetry/statistics/accepted-table.ts'
import { Tally } from '../telemetry/statistics/tally.ts'
import type { CompileContext } from './compiled-document.ts'
import { PlanBook } from './plan-book.ts'
import type { RoutingSettings } from './targets.ts'

/** A context for judging outside the running gateway (dry runs, `explain`): plans and counts are discarded. */
export function detachedContext(settings: RoutingSettings): CompileContext {
  const table = new AcceptedTable()
  return {
    settings,
    book: new PlanBook({ plans: [], streams: [] }, () => undefined),
    tallyOf: (key, name, document) => new Tally({ scope: 'channel', key, name, document }, table),
  }
}
