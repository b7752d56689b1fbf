import type { DaemonProcess } from './daemon-process.ts'

export interface Answer<Body> {
  status: number
  body: Body
  headers: Headers
}

/** One request to a daemon's API, with a JSON body where there is one. */
export async function call<Body = Record<string, unknown>>(
  daemon: DaemonProcess,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer<Body>> {
  const response = await fetch(`http://127.0.0.1:${daemon.httpPort}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    body: (text === '' ? undefined : JSON.parse(text)) as Body,
    headers: response.headers,
  }
}

export interface StreamEvent {
  id: string | undefined
  event: string
  data: Record<string, unknown>
}

/** Server-sent events as they come; `close` ends the request. */
export async function openStream(
  daemon: DaemonProcess,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ events: StreamEvent[]; close: () => void }> {
  const controller = new AbortController()
  const response = await fetch(`http://127.0.0.1:${daemon.httpPort}${path}`, {
    headers: { accept: 'text/event-stream', ...headers },
    signal: controller.signal,
  })
  if (!response.ok || response.body === null) throw new Error(`${response.status} ${await response.text()}`)
  const events: StreamEvent[] = []
  const read = async (body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> => {
    let rest = ''
    for await (const text of body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + text).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const fields = new Map(
          block
            .split('\n')
            .filter((line) => line !== '' && !line.startsWith(':'))
            .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trimStart()]),
        )
        const data = fields.get('data')
        if (data === undefined) continue
        const event = fields.get('event') ?? 'message'
        events.push({ id: fields.get('id'), event, data: JSON.parse(data) as Record<string, unknown> })
      }
    }
  }
  // Ends with the request.
  read(response.body).catch(() => undefined)
  return { events, close: () => controller.abort() }
}
