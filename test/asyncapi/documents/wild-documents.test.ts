import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { channelIds } from '../../../daemon/asyncapi/contract/channel-ids.ts'
import type { Contract } from '../../../daemon/asyncapi/contract/contract.ts'
import { checkDocument } from '../../../daemon/asyncapi/documents/check-document.ts'
import { judgeMessage } from '../messages/judge-message.ts'

/** Documents in the style of public families of documents, with their oddities. */
const FOLDER = new URL('../fixtures/wild/', import.meta.url)

const loaded = new Map<string, Promise<Contract>>()

function load(file: string): Promise<Contract> {
  const contract = loaded.get(file) ?? read(file)
  loaded.set(file, contract)
  return contract
}

function read(file: string): Promise<Contract> {
  return checkDocument({ text: readFileSync(new URL(file, FOLDER), 'utf8'), mode: 'lenient' })
}

const CASES: Record<
  string,
  { good: [topic: string, payload: string][]; bad: [topic: string, payload: string, why: string][] }
> = {
  'smart-meter.yaml': {
    good: [['smgw/acme/00A1B2C3/readings', '{"obis":"1-0:1.8.0","value":1.5,"ts":null}']],
    bad: [
      ['smgw/acme/00A1B2C3/readings', '{"obis":"1-0:1.8.0","value":"many"}', 'payload-invalid'],
      ['smgw/acme/nothex/readings', '{}', 'parameter-invalid'],
    ],
  },
  'charging-station.yaml': {
    good: [['m2m/connector/1/session', '{"state":"Charging","energy_wh":12}']],
    bad: [['m2m/connector/1/session', '{"state":"Exploded"}', 'payload-invalid']],
  },
  'home-discovery.yaml': {
    good: [
      ['zigbee2mqtt/kitchen', '{"state":"ON"}'],
      ['homeassistant/lamp/config', '{}'],
    ],
    bad: [['zigbee2mqtt/kitchen', '{"temperature":"warm"}', 'payload-invalid']],
  },
  'cloudevents-kafka.yaml': {
    good: [['orders.created', '{"specversion":"1.0","data":{"orderId":"3f2504e0-4f89-11d3-9a0c-0305e82c3301"}}']],
    bad: [['orders.created', '{"specversion":"1.0","data":{}}', 'payload-invalid']],
  },
  'event-mesh.yaml': {
    good: [['adeo-dev-x/stores/7/v1/opened', '{"open":true}']],
    bad: [['adeo-test-x/stores/7/v1/opened', '{"open":true}', 'parameter-invalid']],
  },
  'streetlights-2.yaml': {
    good: [['smartylighting/streetlights/1/0/event/a/lighting/measured', '{"lumens":3}']],
    bad: [['smartylighting/streetlights/1/0/event/a/lighting/measured', '{"lumens":-1}', 'payload-invalid']],
  },
  'streetlights-3.json': {
    good: [['lights/a/measured', '{"id":"a","lumens":3}']],
    bad: [['lights/a/measured', '{"id":"b","lumens":3}', 'parameter-mismatch']],
  },
  'trading-websocket.yaml': {
    good: [['/', '{"event":"subscribe","pair":["XBT/USD"]}']],
    bad: [['/', '{"event":"shout"}', 'payload-invalid']],
  },
  'lorawan.yaml': {
    good: [
      ['application/1/device/aa/event/up', '{"deviceInfo":{"devEui":"aa","parent":{"devEui":"bb"}},"data":"AA=="}'],
    ],
    bad: [
      [
        'application/1/device/aa/event/up',
        '{"deviceInfo":{"devEui":"aa","parent":{}},"data":"AA=="}',
        'payload-invalid',
      ],
    ],
  },
  'device-shadow.yaml': {
    good: [['things/a/shadow/report', '{"state":{}}']],
    bad: [['things/a/shadow/report', '{"state":{},"secret":1}', 'payload-invalid']],
  },
  'factory.yaml': {
    good: [
      ['ns2/1/spindle4/speed', '12.5'],
      ['ns2/1/alarm', '{"code":1}'],
      ['ns2/1/alarm', '{"cleared":true}'],
    ],
    bad: [['ns2/1/alarm', '{"code":0}', 'payload-invalid,payload-invalid']],
  },
}

test('every document of the folder has cases', () => {
  expect(readdirSync(FOLDER).sort()).toEqual(Object.keys(CASES).sort())
})

describe.each(Object.entries(CASES))('%s', (file, { good, bad }) => {
  test('is accepted, and its channels have distinct ids', async () => {
    const contract = await load(file)
    expect(contract.channels.length).toBeGreaterThan(0)
    const ids = [...channelIds('wild', contract).values()]
    expect(new Set(ids).size).toBe(ids.length)
  })

  test.each(good)('on %s, accepts %s', async (topic, payload) => {
    expect(judgeMessage(await load(file), topic, payload)).not.toMatch(/invalid|mismatch|no channel/)
  })

  test.each(bad)('on %s, refuses %s as %s', async (topic, payload, why) => {
    expect(judgeMessage(await load(file), topic, payload)).toBe(why)
  })
})

test('oddities of documents are listed, not refused', async () => {
  const { diagnostics } = await load('smart-meter.yaml')
  expect(diagnostics.some(({ severity }) => severity === 'error')).toBe(true)
})

test('directions are reversed in a document from the device’s side', async () => {
  const { channels } = await load('device-shadow.yaml')
  const report = channels.find((channel) => channel.address === 'things/{thingName}/shadow/report')
  expect(report?.operations.map((operation) => operation.action)).toEqual(['receive'])
})
