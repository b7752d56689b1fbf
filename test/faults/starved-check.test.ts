/** A machine that is too busy to check documents: nothing is refused for time, and devices are served. */
import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { waitUntil } from '../servers/wait-until.ts'
import { call } from '../support/api.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { readJournal } from '../support/journal-reader.ts'
import { connectClient } from '../support/mqtt-client.ts'
import { isChecking, stopNextCheck } from '../support/stopped-child.ts'

interface Health {
  status: string
  reasons: string[]
}

let daemon: DaemonProcess

beforeEach(async () => {
  daemon = await DaemonProcess.create()
})
afterEach(() => daemon.remove())

function spec(address: string): string {
  return `asyncapi: 2.5.0
info: { title: Meter, version: 1.0.0 }
channels:
  ${address}: { publish: { message: { payload: { type: object } } } }
`
}

async function health(): Promise<Health> {
  return (await (await daemon.get('/readyz')).json()) as Health
}

async function addresses(): Promise<string[]> {
  const { items } = (await (await daemon.get('/channels')).json()) as { items: { channel_name: string }[] }
  return items.map((one) => one.channel_name)
}

/** A QoS 1 message must be acknowledged. */
async function publish(topic: string): Promise<void> {
  const client = await connectClient(daemon.mqttPort)
  await client.publishAsync(topic, '{}', { qos: 1 })
  await client.endAsync()
}

/** Starts the daemon while the check of its document gets no processor. */
async function startWithStoppedCheck(file: string): Promise<() => void> {
  daemon.configure({ asyncapi: [file] })
  const running = daemon.start()
  const goOn = await stopNextCheck(daemon)
  await running
  return goOn
}

describe('10. Starting needs no network and no fast processor', () => {
  test('a first start whose document cannot be checked yet is degraded, and takes the document when its check ends', async () => {
    const file = daemon.writeFile('meter.yaml', spec('meter/{id}'))
    const goOn = await startWithStoppedCheck(file)
    expect(await health()).toEqual({ status: 'degraded', reasons: [`${file} is still being checked.`] })
    expect(await addresses()).toEqual([])
    await publish('meter/1')
    goOn()
    await daemon.logged('is checked and comes into force')
    await waitUntil(
      () => 'the document is in force',
      async () => (await health()).status === 'ready',
    )
    expect(await addresses()).toEqual(['meter/{id}'])
    await publish('meter/2')
    await daemon.drained('journal')
    expect(readJournal(daemon.path('journal')).map(({ topic }) => topic)).toEqual(['meter/2'])
    await daemon.stop()
    // Checked once: this start has the contract at hand.
    await daemon.start()
    expect(await addresses()).toEqual(['meter/{id}'])
  })

  test('a document that is found wrong after the start leaves the gateway degraded and names its line', async () => {
    const file = daemon.writeFile('meter.yaml', `${spec('meter/{id}')}channels: {}\n`)
    const goOn = await startWithStoppedCheck(file)
    goOn()
    await daemon.logged('it is not in force')
    const line = daemon.logLines().find(({ msg }) => msg.includes('it is not in force'))
    expect(line).toMatchObject({ level: 'error', code: 'document-syntax' })
    expect(line?.msg).toMatch(/meter\.yaml:5:\d+ /)
    expect(await health()).toEqual({ status: 'degraded', reasons: [`${file} did not load (document-syntax).`] })
    await publish('meter/1')
  })

  test('a new text of a known document is judged by its last good version until its check ends', async () => {
    const file = daemon.writeFile('meter.yaml', spec('meter/{id}'))
    daemon.configure({ asyncapi: [file] })
    await daemon.start()
    await daemon.stop()
    daemon.writeFile('meter.yaml', spec('gauge/{id}').replace('1.0.0', '2.0.0'))
    const goOn = await startWithStoppedCheck(file)
    expect((await health()).reasons).toEqual([`${file} is still being checked; its last good version is in force.`])
    expect(await addresses()).toEqual(['meter/{id}'])
    goOn()
    await waitUntil(
      () => 'the new version is in force',
      async () => (await health()).status === 'ready',
    )
    expect(await addresses()).toEqual(['gauge/{id}'])
  })

  test('SIGTERM ends a gateway whose document is still being checked, and the check with it', async () => {
    const goOn = await startWithStoppedCheck(daemon.writeFile('meter.yaml', spec('meter/{id}')))
    expect(await daemon.stop()).toEqual({ code: 0, signal: null })
    expect(goOn).toThrow('ESRCH')
  })
})

describe('while a running gateway', () => {
  beforeEach(() => daemon.start())

  test('reloads, it serves devices, and the reload waits for the check', async () => {
    daemon.configure({ asyncapi: [daemon.writeFile('meter.yaml', spec('meter/{id}'))] })
    daemon.signal('SIGHUP')
    const goOn = await stopNextCheck(daemon)
    await publish('device/1/data')
    expect(await addresses()).toEqual(['device/{deviceId}/data'])
    goOn()
    await daemon.logged('configuration and documents reloaded')
    expect(await addresses()).toEqual(['meter/{id}'])
  })

  test('registers a document, the answer comes when the check ends', async () => {
    const answer = call(daemon, 'POST', '/asyncapis/register', { content: spec('meter/{id}') })
    const goOn = await stopNextCheck(daemon)
    await publish('device/1/data')
    goOn()
    expect((await answer).status).toBe(201)
    expect(await addresses()).toContain('meter/{id}')
  })

  test('registers a document, a connection that closes ends the check and registers nothing', async () => {
    const body = JSON.stringify({ content: spec('meter/{id}') })
    const asked = request({
      port: daemon.httpPort,
      method: 'POST',
      path: '/asyncapis/register',
      headers: { 'content-type': 'application/json', 'content-length': body.length },
    })
    asked.on('error', (error) => error)
    asked.end(body)
    await stopNextCheck(daemon)
    asked.destroy()
    await waitUntil(
      () => 'the check has ended',
      () => !isChecking(daemon),
    )
    // The next one has its turn.
    const { status } = await call(daemon, 'POST', '/asyncapis/register', {
      content: spec('gas/{id}').replace('Meter', 'Gas'),
    })
    expect(status).toBe(201)
    expect(await addresses()).not.toContain('meter/{id}')
  })
})
