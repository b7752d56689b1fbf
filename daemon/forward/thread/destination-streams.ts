import type { Lane } from '../../core/message.ts'
import type { LogReader } from '../../store/log/log-reader.ts'
import type { StreamRow } from '../../store/tables/streams.ts'

/** The streams of the log, and which destinations their messages are for. New ones appear as messages are accepted. */
export class DestinationStreams {
  private readonly reader: Pick<LogReader, 'streams'>
  private rows = new Map<number, StreamRow>()

  constructor(reader: Pick<LogReader, 'streams'>) {
    this.reader = reader
  }

  refresh(): void {
    this.rows = new Map(this.reader.streams().map((row) => [row.id, row]))
  }

  /** Whether messages of a stream are for this destination and lane. */
  has(stream: number, destination: string, lane: Lane): boolean {
    if (!this.rows.has(stream)) this.refresh()
    const row = this.rows.get(stream)
    return row !== undefined && row.lane === lane && row.destinations.includes(destination)
  }

  /** Ids of the streams of a destination, on one lane or on all. */
  of(destination: string, lane?: Lane): number[] {
    return [...this.rows.values()]
      .filter((row) => (lane === undefined || row.lane === lane) && row.destinations.includes(destination))
      .map((row) => row.id)
  }

  /** Every destination that a stream names. */
  destinations(): string[] {
    return [...new Set([...this.rows.values()].flatMap((row) => row.destinations))]
  }
}
