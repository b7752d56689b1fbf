import { OTHER } from '../counters.ts'
import type { AcceptedTable } from './accepted-table.ts'
import { Tally } from './tally.ts'

export const MAX_CLIENTS = 1_000
/** Clients that are replaced between two rolls: with many short-lived clients, each message would otherwise make a tally. */
const MAX_REPLACED = 100

/**
 * The tallies of the busiest clients. When all places are taken, a new client replaces the least busy of the last minutes; clients
 * without a place are counted together.
 */
export class TallyClients {
  /** Counts clients without a place. */
  private readonly other: Tally
  private readonly table: AcceptedTable
  private readonly maxClients: number
  private readonly tallies = new Map<string, Tally>()
  /** Ids of clients that may be replaced, the least busy first. */
  private replaceable: string[] = []
  /** Replaced since the last roll; their counts are still to be taken. */
  private replaced: Tally[] = []
  /** Returned by the last roll for the last time. */
  private gone: Tally[] = []

  constructor(table: AcceptedTable, maxClients = MAX_CLIENTS) {
    this.table = table
    this.maxClients = maxClients
    this.other = clientTally(OTHER, table)
  }

  of(clientId: string): Tally {
    const known = this.tallies.get(clientId)
    if (known !== undefined) return known
    if (this.tallies.size >= this.maxClients && !this.replaceOne()) return this.other
    const created = clientTally(clientId, this.table)
    this.tallies.set(clientId, created)
    return created
  }

  /** Returns every tally that may have counted since the last call, replaced ones for the last time. */
  roll(): Tally[] {
    for (const tally of this.gone) tally.close()
    const all = [...this.tallies.values(), this.other, ...this.replaced]
    this.gone = this.replaced
    this.replaced = []
    return all
  }

  /** Chooses the clients to replace next. To be called when all scores are up to date. */
  rank(): void {
    this.replaceable = []
    if (this.tallies.size < this.maxClients) return
    const ranked = [...this.tallies].sort(([, a], [, b]) => a.score - b.score)
    this.replaceable = ranked.slice(0, MAX_REPLACED).map(([clientId]) => clientId)
  }

  private replaceOne(): boolean {
    const clientId = this.replaceable.shift()
    const tally = clientId === undefined ? undefined : this.tallies.get(clientId)
    if (clientId === undefined || tally === undefined) return false
    this.tallies.delete(clientId)
    this.replaced.push(tally)
    return true
  }
}

function clientTally(clientId: string, table: AcceptedTable): Tally {
  return new Tally({ scope: 'client', key: clientId, name: clientId, document: '' }, table)
}
