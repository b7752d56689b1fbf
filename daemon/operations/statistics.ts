import type { StatisticsReport } from '../telemetry/statistics/statistics-view.ts'

export interface StatisticsRequest {
  /** Milliseconds, one minute to seven days. */
  windowMs: number
  channel_id?: string
}

export interface StatisticsPort {
  read(request: StatisticsRequest): Promise<StatisticsReport>
}
