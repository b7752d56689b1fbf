import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { requireTool } from '../servers/require-tool.ts'
import { temporaryFolder, type TemporaryFolder } from '../servers/temporary-folder.ts'
import { CutDisk, readRecording, RECORDING_ARGS, type DiskEvent } from '../store/log/disk-recording.ts'
import { expectStored } from '../store/log/stored-messages.ts'
import { acknowledgedIn, StoreChild, type Acknowledged } from '../store/start-store-child.ts'
import { OpenLog, openOptions } from '../store/store-fixture.ts'
import { sized } from '../support/soak.ts'

const CUTS = sized(40, 200)
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const MESSAGES = 1_500

let folder: TemporaryFolder
let events: DiskEvent[]

/** Two lives of a store: the first ends by kill -9 after checkpoints, the second begins with the recovery from that. */
beforeAll(async () => {
  folder = temporaryFolder('power-cut')
  const directory = join(folder.path, 'store')
  events = []
  for (const life of [1, 2]) {
    const recording = join(folder.path, `recording-${life}`)
    const options = {
      window: 3,
      first: life * 1_000_000,
      count: MESSAGES,
      crashAtEnd: life === 1,
      settle: life === 2,
      payloadBytes: 2_000,
    }
    const child = new StoreChild(directory, join(folder.path, `${life}.log`), options, [
      requireTool('strace'),
      '-o',
      recording,
      ...RECORDING_ARGS,
    ])
    await child.ended
    expect(child.acknowledged()).toHaveLength(MESSAGES)
    events.push(...readRecording(recording, directory))
    rmSync(recording)
  }
}, 120_000)
afterAll(() => folder.remove())

function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state / 2 ** 32
  }
}

/** Cuts the power after each of these numbers of events; tells what had been acknowledged by then. */
function cutAt(
  points: readonly number[],
  disk: CutDisk,
  recorded: readonly DiskEvent[],
  visit: (directory: string, acknowledged: Acknowledged[]) => void,
): void {
  const said: string[] = []
  let next = 0
  for (const point of [...points].sort((a, b) => a - b)) {
    for (; next < point; next++) {
      const event = recorded[next]
      if (event?.type === 'say') said.push(event.text)
      else if (event !== undefined) disk.apply(event)
    }
    const directory = join(folder.path, `cut-${point}`)
    mkdirSync(directory)
    disk.cut(directory)
    visit(directory, acknowledgedIn(said.join('').split('\n')))
    rmSync(directory, { recursive: true })
  }
}

/** Starts the store on it; what the destination has settled may have been deleted as history. */
function expectWhole(directory: string, acknowledged: readonly Acknowledged[]): { salvaged: boolean; checked: number } {
  const log = new OpenLog(openOptions(directory))
  const low = Math.max(0, ...log.reader.cursors().map((row) => row.low))
  log.abandon()
  const unsettled = acknowledged.filter(({ seq }) => seq >= low)
  expectStored(directory, unsettled)
  return { salvaged: log.opened.salvaged !== undefined, checked: unsettled.length }
}

test('the recording holds checkpoints, removals and fsyncs', () => {
  const count = (type: DiskEvent['type'], file: RegExp): number =>
    events.filter((event) => event.type === type && 'file' in event && file.test(event.file)).length
  expect(count('write', /db$/)).toBeGreaterThan(500)
  expect(count('write', /wal$/)).toBeGreaterThan(MESSAGES)
  expect(count('sync', /wal$/)).toBeGreaterThan(MESSAGES / 3)
  expect(count('remove', /wal$/)).toBeGreaterThan(0)
  expect(acknowledgedIn(events.flatMap((event) => (event.type === 'say' ? event.text.split('\n') : [])))).toHaveLength(
    2 * MESSAGES,
  )
})

test(
  `row 4: after ${CUTS} power cuts at random moments every store opens, and holds what was acknowledged (seed ${SEED})`,
  { timeout: 900_000 },
  () => {
    const random = numbers(SEED)
    const points = new Set(Array.from({ length: CUTS }, () => Math.floor(random() * (events.length + 1))))
    let salvaged = 0
    let checked = 0
    cutAt([...points], new CutDisk(random), events, (directory, acknowledged) => {
      const result = expectWhole(directory, acknowledged)
      if (result.salvaged) salvaged++
      checked += result.checked
    })
    console.info(
      `seed ${SEED}: ${points.size} cuts, ${checked} acknowledged messages looked for, ${salvaged} stores had to be salvaged`,
    )
    expect(salvaged).toBe(0)
  },
)

test('the check can fail: on a disk that forgets what was synced acknowledged messages are missing', () => {
  const forgetful = events.filter((event) => event.type !== 'sync')
  const middle = Math.floor(forgetful.length / 3)
  cutAt([middle], new CutDisk(numbers(SEED)), forgetful, (directory, acknowledged) => {
    expect(acknowledged.length).toBeGreaterThan(100)
    expect(() => expectWhole(directory, acknowledged)).toThrow()
  })
})
