import { describe, expect, it } from 'vitest'
import { plainNameDiagnostics, plainNames } from '../../../daemon/asyncapi/matching/default-names.ts'
import { makeChannel } from '../make-channel.ts'

describe('default names at destinations', () => {
  it.each([
    ['device/{deviceId}/data', 'device.data', '{deviceId}'],
    ['/a//b/', 'a.b', null],
    ['{x}/{y}', null, '{y}'],
    ['site/{s}/länge/{d}', 'site.l_nge', '{d}'],
    ['../..', null, null],
    ['x'.repeat(300), 'x'.repeat(249), null],
    ['device/+/data', 'device.data', null],
    ['a.{env}.b/c', 'c', '{env}'],
  ])('%s goes to %s by %s', (address, topic, key) => {
    expect(plainNames(makeChannel({ address }))).toEqual({ topic, key, exchange: 'amq.topic' })
  })

  it('bindings come first', () => {
    const bindings = { kafka: { topic: 'readings' }, amqp: { exchange: { name: 'plant' } } }
    expect(plainNames(makeChannel({ address: 'a', bindings }))).toMatchObject({ topic: 'readings', exchange: 'plant' })
  })

  it('reports empty names and names that channels share', () => {
    const channels = ['{x}', 'a/{x}', 'a', 'b'].map((address) => makeChannel({ id: address, address }))
    expect(plainNameDiagnostics(channels).map(({ pointer }) => pointer)).toEqual(['/channels/{x}', '/channels/a'])
  })
})
