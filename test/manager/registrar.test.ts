import { beforeEach, describe, expect, test } from 'vitest'
import { FakeClock } from '../../daemon/core/clock.ts'
import { EdgeError } from '../../daemon/core/errors.ts'
import { DocumentLists } from '../../daemon/manager/document-lists.ts'
import { type FileDocument, loadText } from '../../daemon/manager/document-loader.ts'
import { DocumentRegistry } from '../../daemon/manager/document-registry.ts'
import { DocumentsInForce } from '../../daemon/manager/documents-in-force.ts'
import { Registrar } from '../../daemon/manager/registrar.ts'
import type { Op } from '../../daemon/store/log/batch.ts'
import type { ActiveDocument } from '../../daemon/verdict/compiled-document.ts'

function text(version: string, addresses: readonly string[] = ['device/{deviceId}/data'], required = '[]'): string {
  const channels = addresses.map(
    (address) => `
  ${address}:
    publish:
      message:
        name: Data
        payload: { type: object, required: ${required}, properties: { temperature: { type: number } } }`,
  )
  return `asyncapi: 2.5.0
info: { title: Meter, version: ${version} }
servers: { production: { url: 'mqtt://broker.example.com', protocol: mqtt } }
channels:${channels.join('')}
`
}

/** A registry whose commits can be made to fail. */
class Registry {
  readonly registry = new DocumentRegistry([])
  readonly ops: Op[] = []
  active: readonly ActiveDocument[] = []
  failure: EdgeError | undefined
  /** Called before each commit ends. */
  meanwhile: (() => Promise<unknown>) | undefined
  readonly contracts = new Map<string, string>()
  readonly cache = {
    contract: (hash: string) => this.contracts.get(hash),
    remember: (hash: string, body: string) => void this.contracts.set(hash, body),
  }
  /** Texts of templates, as the store has them. */
  readonly templates = new Map<string, string>()
  readonly inForce = new DocumentsInForce({
    registry: this.registry,
    cache: this.cache,
    template: (id) => this.templates.get(id),
  })
  readonly lists = new DocumentLists(this.registry, this.inForce, () => undefined)
  readonly registrar = new Registrar({
    registry: this.registry,
    inForce: this.inForce,
    cache: this.cache,
    commit: (op) => {
      if (this.failure !== undefined) return Promise.reject(this.failure)
      this.ops.push(op)
      if (op.type === 'register') this.templates.set(op.registration.template.id, op.registration.template.content)
      const { meanwhile } = this
      this.meanwhile = undefined
      return meanwhile === undefined ? Promise.resolve() : meanwhile().then(() => undefined)
    },
    prepare: () => Promise.resolve(),
    activate: (documents) => {
      this.active = documents
    },
    clock: new FakeClock(),
  })

  register(content: string, more: { name?: string; version?: string; baseUrl?: string } = {}) {
    return this.registrar.register({ text: content, mode: 'strict', ...more }, 'admin')
  }

  async file(content: string, path: string): Promise<FileDocument> {
    const { contract, hash } = await loadText({ text: content, mode: 'lenient' }, this.cache)
    return {
      name: contract.title,
      version: contract.version,
      contract,
      file: path,
      mode: 'lenient',
      text: content,
      hash,
    }
  }

  get inForceNow(): string[] {
    return this.active.map(({ name, version }) => `${name}@${version}`)
  }
}

let here: Registry

beforeEach(() => {
  here = new Registry()
})

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof EdgeError ? error.code : `resolved: ${String(error)}`
}

describe('registering', () => {
  test('writes one operation and puts the document in force', async () => {
    const { document } = await here.register(text('1.0.0'))
    expect(here.ops.map((op) => op.type)).toEqual(['register'])
    expect(here.inForceNow).toEqual(['Meter@1.0.0'])
    expect(document).toMatchObject({ name: 'Meter', version: '1.0.0', source: 'api' })
    expect(here.lists.allChannels(document.id).map((one) => one.channel_name)).toEqual(['device/{deviceId}/data'])
  })

  test('channels share the messages of their document, after a restart too', async () => {
    const { document } = await here.register(text('1.0.0', ['device/{deviceId}/data', 'device/{deviceId}/state']))
    const { registry, cache } = here
    const restarted = new DocumentsInForce({ registry, cache, template: () => undefined })
    for (const inForce of [here.inForce, restarted]) {
      const [data, state] = inForce.contractAtHand(document)?.channels ?? []
      expect(data?.messages).toHaveLength(1)
      expect(data?.messages[0]).toBe(state?.messages[0])
    }
  })

  test('the same version and content again give the same answer and write nothing', async () => {
    const first = await here.register(text('1.0.0'))
    const second = await here.register(text('1.0.0'))
    expect(second.document).toEqual(first.document)
    expect(here.ops).toHaveLength(1)
  })

  test('other content under the same version is a conflict', async () => {
    await here.register(text('1.0.0'))
    expect(await codeOf(here.register(text('1.0.0', ['other/{id}'])))).toBe('document-conflict')
    expect(here.ops).toHaveLength(1)
  })

  test('the newest version is in force, and channel and message ids stay', async () => {
    const { document: old } = await here.register(text('1.0.0'))
    const before = here.lists.allChannels(old.id)[0]
    const { document } = await here.register(text('2.0.0', ['device/{deviceId}/data', 'device/{deviceId}/state']))
    expect(here.inForceNow).toEqual(['Meter@2.0.0'])
    const after = here.lists.allChannels(document.id)[0]
    expect(after?.id).toBe(before?.id)
    expect(after?.messages[0]?.id).toBe(before?.messages[0]?.id)
    expect(here.lists.documents().map((one) => [one.version, one.status])).toEqual([
      ['1.0.0', 'superseded'],
      ['2.0.0', 'active'],
    ])
  })

  test('tells what the new version changes, and for whom', async () => {
    await here.register(text('1.0.0'))
    const { changes } = await here.register(text('2.0.0', undefined, '[temperature]'))
    expect(changes).toEqual([
      expect.objectContaining({
        channel: 'device/{deviceId}/data',
        message: 'Data',
        kind: 'required',
        breaks: 'publishers',
      }),
    ])
  })

  test('what cannot be stored is not in force either', async () => {
    here.failure = new EdgeError('store-full', 'full')
    expect(await codeOf(here.register(text('1.0.0')))).toBe('store-full')
    expect(here.inForceNow).toEqual([])
    expect(here.lists.documents()).toEqual([])
    here.failure = undefined
    await here.register(text('1.0.0'))
    expect(here.inForceNow).toEqual(['Meter@1.0.0'])
  })

  test.each([
    ['a reference that leaves it', text('2.0.0').replace('required: []', "$ref: './a.yaml'"), 'document-reference'],
    ['an alias inside its anchor', `${text('2.0.0')}x-a: &a [ *a ]\n`, 'document-limit'],
    ['10,000 levels', `${text('2.0.0')}x-a: ${'['.repeat(10_000)}${']'.repeat(10_000)}\n`, 'document-limit'],
    ['10 MB', `${text('2.0.0')}x-a: ${'a'.repeat(10_000_000)}\n`, 'document-limit'],
    ['no end', text('2.0.0').slice(0, -40), 'document-syntax'],
  ])('a document with %s changes nothing: the one before stays in force', async (_name, content, code) => {
    await here.register(text('1.0.0'))
    const { active } = here
    const written = here.ops.length
    await expect(here.register(content, { name: 'Meter', version: '2.0.0' })).rejects.toMatchObject({ code })
    expect(here.active).toBe(active)
    expect(here.inForceNow).toEqual(['Meter@1.0.0'])
    expect(here.ops).toHaveLength(written)
  })

  test('base_url takes the place of the first server’s', async () => {
    const { contract } = await here.register(text('1.0.0'), { baseUrl: 'mqtt://10.0.0.1' })
    expect(contract.servers[0]?.url).toBe('mqtt://10.0.0.1')
  })

  test('a document without a title needs a name', async () => {
    const untitled = text('1.0.0').replace('title: Meter', "title: ''")
    expect(await codeOf(here.registrar.register({ text: untitled, mode: 'lenient' }, 'admin'))).toBe('request-invalid')
  })
})

describe('versions', () => {
  test('a pinned version stays in force until it is let go', async () => {
    const { document } = await here.register(text('1.0.0'))
    await here.registrar.pin(document.id, true)
    await here.register(text('2.0.0'))
    expect(here.inForceNow).toEqual(['Meter@1.0.0'])
    await here.registrar.pin(document.id, false)
    expect(here.inForceNow).toEqual(['Meter@2.0.0'])
  })

  test('when the newest is unregistered, the one before is in force again', async () => {
    await here.register(text('1.0.0'))
    const { document } = await here.register(text('2.0.0'))
    await here.registrar.unregister(document.id)
    expect(here.inForceNow).toEqual(['Meter@1.0.0'])
    expect(here.ops.map((op) => op.type)).toEqual(['register', 'register', 'unregister', 'activate'])
  })

  test('what is not there cannot be unregistered', async () => {
    expect(await codeOf(here.registrar.unregister('none'))).toBe('not-found')
  })
})

describe('documents of files', () => {
  test('are in force at once, and their registration follows', async () => {
    const adopted = here.registrar.adopt([await here.file(text('1.0.0'), '/a.yaml')])
    expect(here.inForce.active().map((one) => one.version)).toEqual(['1.0.0'])
    await adopted
    expect(here.ops.map((op) => op.type)).toEqual(['register'])
  })

  test('are written and compiled once: the same file again writes nothing, and its contract stays', async () => {
    await here.registrar.adopt([await here.file(text('1.0.0'), '/a.yaml')])
    const [before] = here.active
    await here.registrar.adopt([await here.file(text('1.0.0'), '/a.yaml')])
    expect(here.ops).toHaveLength(1)
    expect(here.active[0]?.contract).toBe(before?.contract)
  })

  test('cannot be replaced or removed over the API', async () => {
    await here.registrar.adopt([await here.file(text('1.0.0'), '/a.yaml')])
    expect(await codeOf(here.register(text('2.0.0')))).toBe('document-of-file')
    const [listed] = here.lists.documents()
    expect(await codeOf(here.registrar.unregister(listed?.id ?? ''))).toBe('document-of-file')
  })

  test('a version that comes back when its file is removed judges at once', async () => {
    await here.register(text('1.0.0'))
    await here.registrar.adopt([await here.file(text('2.0.0'), '/a.yaml')])
    expect(here.inForceNow).toEqual(['Meter@2.0.0'])
    const adopted = here.registrar.adopt([])
    expect(here.inForceNow).toEqual(['Meter@1.0.0'])
    await adopted
    expect(here.inForceNow).toEqual(['Meter@1.0.0'])
  })

  test('that are reloaded while another version is being registered get their own number, and stay in force', async () => {
    const file = await here.file(text('2.0.0'), '/a.yaml')
    here.meanwhile = () => here.registrar.adopt([file])
    await here.register(text('1.0.0'))
    expect(here.registry.all().map(({ version, serial }) => `${version} ${serial}`)).toEqual(['1.0.0 1', '2.0.0 2'])
    expect(here.inForceNow).toEqual(['Meter@2.0.0'])
  })

  test('that a reload brings under the id of a registration are the files’, in memory as in the tables', async () => {
    const file = await here.file(text('1.0.0'), '/a.yaml')
    here.meanwhile = () => here.registrar.adopt([file])
    expect((await here.register(text('1.0.0'))).document.source).toBe('file')
    expect(here.registry.all().map(({ source }) => source)).toEqual(['file'])
  })

  test('a version whose contract has to be checked again judges when its check ends', async () => {
    await here.register(text('1.0.0'))
    await here.registrar.adopt([await here.file(text('2.0.0'), '/a.yaml')])
    here.contracts.clear()
    const adopted = here.registrar.adopt([])
    expect(here.inForceNow).toEqual([])
    await adopted
    expect(here.inForceNow).toEqual(['Meter@1.0.0'])
  })

  test('a version that is registered while another one comes back stays in force', async () => {
    await here.register(text('1.0.0'))
    await here.registrar.adopt([await here.file(text('2.0.0'), '/a.yaml')])
    here.contracts.clear()
    const adopted = here.registrar.adopt([])
    await here.register(text('3.0.0'))
    await adopted
    expect(here.inForceNow).toEqual(['Meter@3.0.0'])
  })

  test('a file that is no longer configured is taken out', async () => {
    await here.registrar.adopt([await here.file(text('1.0.0'), '/a.yaml')])
    await here.registrar.adopt([])
    expect(here.inForce.active()).toEqual([])
    expect(here.ops.map((op) => op.type)).toEqual(['register', 'unregister'])
  })
})
