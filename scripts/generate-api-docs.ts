/** Writes the lower part of docs/api.md from the routes' own schemas; with --check only compares it and fails where it differs. */
import { readFileSync, writeFileSync } from 'node:fs'
import { TicketStore } from '../daemon/access/ticket-store.ts'
import { silentLogger } from '../daemon/core/logger.ts'
import { callsRoute } from '../daemon/http/routes/calls-route.ts'
import { channelsRoutes } from '../daemon/http/routes/channels-routes.ts'
import { connectionsRoute } from '../daemon/http/routes/connections-route.ts'
import { documentsRoutes } from '../daemon/http/routes/documents-routes.ts'
import { healthRoutes } from '../daemon/http/routes/health-routes.ts'
import { logLevelRoutes } from '../daemon/http/routes/log-level-routes.ts'
import { metricsRoute } from '../daemon/http/routes/metrics-route.ts'
import { publishRoutes } from '../daemon/http/routes/publish-routes.ts'
import { queueRoute } from '../daemon/http/routes/queue-route.ts'
import { deadLetterRoutes, quarantineRoutes } from '../daemon/http/routes/refused-routes.ts'
import { statisticsRoute } from '../daemon/http/routes/statistics-route.ts'
import { subscriptionsRoutes } from '../daemon/http/routes/subscriptions-routes.ts'
import { ticketsRoute } from '../daemon/http/routes/tickets-route.ts'
import { createHttpServer } from '../daemon/http/server/server.ts'
import { StreamRoute } from '../daemon/http/streams/stream-route.ts'

interface Schema {
  type?: string | readonly string[]
  enum?: readonly unknown[]
  anyOf?: readonly Schema[]
  description?: string
  properties?: Readonly<Record<string, Schema>>
  required?: readonly string[]
}

interface Operation {
  summary: string
  tags: readonly string[]
  parameters?: readonly { name: string; in: string; required?: boolean; description?: string; schema: Schema }[]
  requestBody?: { content: Readonly<Record<string, { schema: Schema }>> }
  responses: Readonly<Record<string, unknown>>
}

interface OpenApi {
  paths: Record<string, Record<string, Operation>>
}

const MARK = '<!-- What follows is generated from the routes: npx node scripts/generate-api-docs.ts -->'
const FILE = new URL('../docs/api.md', import.meta.url)
/** Every route may answer with these. */
const COMMON = ['400', '401', '403', '405', '414', '421', '431', '503']

const operations = await describe()
const current = readFileSync(FILE, 'utf8')
const head = current.split(MARK)[0]?.trimEnd() ?? ''
const wanted = `${head}\n\n${MARK}\n${operations.map(section).join('')}`
if (!process.argv.includes('--check')) {
  writeFileSync(FILE, wanted)
} else if (current !== wanted) {
  console.error('docs/api.md is out of date: run node scripts/generate-api-docs.ts')
  process.exitCode = 1
}

/** The routes over ports that nobody calls. */
async function describe(): Promise<{ method: string; path: string; operation: Operation }[]> {
  const nobody = new Proxy({}, { get: () => () => ({}) }) as never
  const server = createHttpServer({
    host: '127.0.0.1',
    port: 0,
    hosts: [],
    logger: silentLogger,
    routes: [
      documentsRoutes(nobody),
      channelsRoutes(nobody),
      publishRoutes(nobody),
      new StreamRoute({ feed: nobody, channel: () => undefined }).routes,
      subscriptionsRoutes(nobody),
      ticketsRoute(new TicketStore(() => 0), () => 0),
      quarantineRoutes(nobody),
      deadLetterRoutes(nobody),
      statisticsRoute(nobody),
      callsRoute(nobody),
      queueRoute(nobody),
      logLevelRoutes(nobody),
      connectionsRoute(nobody),
      healthRoutes(nobody),
      metricsRoute(nobody),
    ],
  })
  await server.app.ready()
  const { paths } = JSON.parse(JSON.stringify(server.app.swagger())) as OpenApi
  await server.close(0)
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
}

function section({ method, path, operation }: Awaited<ReturnType<typeof describe>>[number]): string {
  const rows = [
    ...(operation.parameters ?? []).map((one) =>
      row(one.name, one.in, one.required === true, one.schema, one.description),
    ),
    ...bodyRows(operation),
  ]
  const table = rows.length === 0 ? '' : `\n| field | in | what |\n|---|---|---|\n${rows.join('\n')}\n`
  const statuses = Object.keys(operation.responses).filter((status) => !COMMON.includes(status))
  return `\n### \`${method} ${path}\`\n\n${operation.summary}\n${table}\nAnswers ${statuses.join(', ')}.\n`
}

function bodyRows({ requestBody }: Operation): string[] {
  const schema = requestBody?.content['application/json']?.schema
  return Object.entries(schema?.properties ?? {}).map(([name, field]) =>
    row(name, 'body', schema?.required?.includes(name) === true, field),
  )
}

function row(name: string, place: string, required: boolean, schema: Schema, description = schema.description): string {
  const parts = [required ? 'required' : '', typeOf(schema), description ?? ''].filter((part) => part !== '')
  return `| \`${name}\` | ${place} | ${parts.join('; ').replaceAll('|', String.raw`\|`)} |`
}

function typeOf({ type, enum: choices, anyOf }: Schema): string {
  if (choices !== undefined) return choices.map((one) => `\`${String(one)}\``).join(', ')
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' or ')
  return type === undefined ? '' : [type].flat().join(' or ')
}
