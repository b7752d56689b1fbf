import { OTHER } from '../counters.ts'
import type { AcceptedTable } from './accepted-table.ts'
import { Tally } from './tally.ts'

export const MAX_CLIENTS = 1_000
/** How many make room between two rolls: a crowd that comes and goes must not cost a tally a message. */
const MAX_REPLACED = 100

/**
 * The tallies of the busiest clients. Once there are as many as it holds, a new one takes the place of the least busy of the
 * last minutes; those that find no place are counted together.
 */
export class TallyClients {
  /** Whoever has no place of its own. */
  private readonly other: Tally
  private readonly table: AcceptedTable
  private readonly maxClients: number
  private readonly tallies = new Map<string, Tally>()
  /** The least busy first. */
  private replaceable: string[] = []
  /** Replaced since the last roll, with what they had still counted. */
  private left: Tally[] = []
  /** Whose last counts have been handed over. */
  private gone: Tally[] = []

  constructor(table: AcceptedTable, maxClients = MAX_CLIENTS) {
    this.table = table
    this.maxClients = maxClients
    this.other = clientTally(OTHER, table)
  }

  /** One look-up for a client that is known. */
  of(clientId: string): Tally {
    const known = this.tallies.get(clientId)
    if (known !== undefined) return known
    if (this.tallies.size >= this.maxClients && !this.replaceOne()) return this.other
    const created = clientTally(clientId, this.table)
    this.tallies.set(clientId, created)
    return created
  }

  /** Every tally that may have counted since the last call, the replaced ones for the last time. */
  roll(): Tally[] {
    for (const tally of this.gone) tally.close()
    const all = [...this.tallies.values(), this.other, ...this.left]
    this.gone = this.left
    this.left = []
    return all
  }

  /** Chooses who makes room next; to be called when the scores are new. */
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
    this.left.push(tally)
    return true
  }
}

function clientTally(clientId: string, table: AcceptedTable): Tally {
  return new Tally({ scope: 'client', key: clientId, name: clientId, document: '' }, table)
}
