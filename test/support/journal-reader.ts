import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Arrival } from './checker.ts'

export interface JournalLine {
  id: string
  topic: string
  receivedAt: string
  document: string | null
  message: string | null
  parameters: Record<string, string>
  headers: Record<string, string>
  payload?: { temperature: number; humidity: number } & Record<string, unknown>
  payloadBase64?: string
}

/** Every line of the file upstream, in the order of its files; the last may be torn while the daemon writes or was killed. */
export function readJournal(directory: string): JournalLine[] {
  const lines: JournalLine[] = []
  for (const name of listJournal(directory)) {
    const text = readFileSync(join(directory, name), 'utf8')
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    for (const line of whole.split('\n')) if (line !== '') lines.push(JSON.parse(line) as JournalLine)
  }
  return lines
}

function listJournal(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return []
    throw error
  }
}

/** What publishers wrote, as it arrived. */
export function journalArrivals(directory: string): Arrival[] {
  return readJournal(directory).map(({ id, payload }) => ({
    id,
    source: payload?.humidity ?? 0,
    n: payload?.temperature ?? 0,
  }))
}
