import { ERROR_CODES, EdgeError, messageOf, systemCode, type ErrorCode } from '../core/errors.ts'

/** Address and key of the API of the running daemon. */
export interface ApiOptions {
  url?: string
  apiKey?: string
}

/** The problem document (RFC 9457) of a refused request. */
export interface ApiProblem {
  status: number
  code: string
  detail: string
  hint?: string
  field?: string
  line?: number
  column?: number
  errors?: readonly Record<string, unknown>[]
}

/** Thrown when the daemon refuses a request. */
export class ApiRefusal extends EdgeError {
  readonly problem: ApiProblem

  constructor(problem: ApiProblem) {
    const code: ErrorCode = isErrorCode(problem.code) ? problem.code : codeOfStatus(problem.status)
    const { field, line, column, hint } = problem
    super(code, problem.detail, {
      place: {
        ...(field === undefined ? {} : { field }),
        ...(line === undefined ? {} : { line }),
        ...(column === undefined ? {} : { column }),
      },
      ...(hint === undefined ? {} : { hint }),
    })
    this.problem = problem
  }
}

const DEFAULT_URL = 'http://127.0.0.1:8080'
const TIMEOUT_MS = 30_000

/** A client of the HTTP API of the running daemon. */
export class ApiClient {
  private readonly base: URL
  private readonly headers: Record<string, string>

  /** Options override STEPFLOW_URL and STEPFLOW_API_KEY. Throws EdgeError `request-invalid` for an invalid URL. */
  constructor(options: ApiOptions, env: Readonly<Record<string, string | undefined>>) {
    const url = options.url ?? env['STEPFLOW_URL'] ?? DEFAULT_URL
    if (!URL.canParse(url) || !/^https?:/.test(url))
      throw new EdgeError('request-invalid', `${url} is not a URL: write it as http://host:port.`, {
        place: { field: '--url' },
      })
    this.base = new URL(url.endsWith('/') ? url : `${url}/`)
    const key = options.apiKey ?? env['STEPFLOW_API_KEY']
    this.headers = key === undefined || key === '' ? {} : { 'x-api-key': key }
  }

  get<Answer>(path: string, query: Readonly<Record<string, string | undefined>> = {}): Promise<Answer> {
    return this.request<Answer>('GET', withQuery(path, query), undefined, TIMEOUT_MS)
  }

  post<Answer>(path: string, body: unknown): Promise<Answer> {
    return this.request<Answer>('POST', path, body, TIMEOUT_MS)
  }

  /** As `post`, for work of which only the processor time is bounded: on a busy machine it may take long. */
  postAndWait<Answer>(path: string, body: unknown): Promise<Answer> {
    return this.request<Answer>('POST', path, body)
  }

  delete<Answer = void>(path: string): Promise<Answer> {
    return this.request<Answer>('DELETE', path, undefined, TIMEOUT_MS)
  }

  /** Reads a list page by page, up to `limit` items. */
  async list<Item>(
    path: string,
    limit: number,
    query: Readonly<Record<string, string | undefined>> = {},
  ): Promise<Item[]> {
    const items: Item[] = []
    let cursor: string | undefined
    do {
      const size = String(Math.min(1_000, limit - items.length))
      const page: { items: Item[]; next?: string } = await this.get(path, { ...query, limit: size, cursor })
      items.push(...page.items)
      cursor = page.next
    } while (cursor !== undefined && items.length < limit)
    return items
  }

  /** Reads a stream of server-sent events until the caller leaves the loop or the daemon ends the stream. */
  async *events(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
  ): AsyncGenerator<{ event: string; data: string }> {
    const response = await this.fetch('GET', withQuery(path, query), undefined, { accept: 'text/event-stream' })
    if (!response.ok || response.body === null) throw await refusalOf(response)
    let rest = ''
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + text).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const event = parseEvent(block)
        if (event !== undefined) yield event
      }
    }
  }

  private async request<Answer>(method: string, path: string, body: unknown, timeoutMs?: number): Promise<Answer> {
    const response = await this.fetch(method, path, body, { accept: 'application/json' }, timeoutMs)
    if (!response.ok) throw await refusalOf(response)
    return (response.status === 204 ? undefined : await response.json()) as Answer
  }

  private async fetch(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string>,
    timeoutMs?: number,
  ): Promise<Response> {
    try {
      return await fetch(new URL(path.replace(/^\//, ''), this.base), {
        method,
        headers: {
          ...this.headers,
          ...headers,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        redirect: 'error',
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }),
      })
    } catch (error) {
      const cause: unknown = error instanceof Error ? error.cause : undefined
      const why = systemCode(cause) ?? messageOf(cause ?? error)
      throw new EdgeError('daemon-unreachable', `${this.base.origin} does not answer: ${why}`, { cause: error })
    }
  }
}

function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`
}

function parseEvent(block: string): { event: string; data: string } | undefined {
  let event = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) event = line.slice(6).trim()
    else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
  }
  return data.length === 0 ? undefined : { event, data: data.join('\n') }
}

async function refusalOf(response: Response): Promise<ApiRefusal> {
  const text = await response.text()
  const { status, statusText } = response
  try {
    const given = JSON.parse(text) as Partial<ApiProblem> | null
    return new ApiRefusal({ code: 'internal', detail: `${status} ${statusText}`, ...given, status })
  } catch {
    return new ApiRefusal({ status, code: 'internal', detail: `${status} ${statusText}` })
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code)
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 401 || status === 403) return 'not-permitted'
  if (status === 404) return 'not-found'
  return status < 500 ? 'request-invalid' : 'internal'
}
