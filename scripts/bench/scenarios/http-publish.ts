import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { startDaemon } from '../daemon.ts'
import { oneChannel } from '../documents.ts'
import type { HttpLoadResult } from '../http-generator.ts'
import { runForJson } from '../run-process.ts'
import type { Scenario } from '../scenario.ts'

const WARM_UP = 5_000
const REQUESTS = 40_000
const LIMIT_MS = 120_000
const READING = { deviceId: '7', temperature: 21.5, humidity: 40 }

/** Durable publishing over HTTP, beside a route that only echoes. */
export const httpPublish: Scenario = {
  name: 'http-publish',
  async run(effort, record) {
    const echo = spawn(process.execPath, [join(import.meta.dirname, '../echo-server.ts')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const daemon = await startDaemon({ documents: oneChannel() })
    try {
      const [port] = (await once(echo.stdout, 'data')) as [Buffer]
      const { items } = (await (await fetch(`${daemon.httpUrl}/channels`)).json()) as { items: { id: string }[] }
      const body = JSON.stringify({ channel_id: items[0]?.id, payload: READING })
      const publish = (total: number) => post(new URL(daemon.httpUrl).port, '/messages/publish', body, total)
      const bare = (total: number) => post(port.toString().trim(), '/echo', body, total)
      await publish(effort.count(WARM_UP))
      await bare(effort.count(WARM_UP))
      for (let round = 0; round < effort.rounds(); round++) {
        const echoed = await bare(effort.count(REQUESTS))
        const published = await publish(effort.count(REQUESTS))
        record.add('HTTP publish: rate over a route that echoes', '×', published.rate / echoed.rate)
        record.add('HTTP publish: durable messages', '/s', published.rate, { atLeast: 6_000 })
        record.add('echo route: requests', '/s', echoed.rate)
      }
    } finally {
      echo.stdin.end()
      await daemon.stop()
    }
  },
}

async function post(port: string, path: string, body: string, total: number): Promise<HttpLoadResult> {
  const args = ['--port', port, '--path', path, '--body', body, '--total', String(total)]
  return (await runForJson('http-generator.ts', args, LIMIT_MS)) as HttpLoadResult
}
