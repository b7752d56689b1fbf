import { describe, expect, it } from 'vitest'
import { renderAddress } from '../../../daemon/asyncapi/matching/render-address.ts'
import { makeChannel } from '../make-channel.ts'

describe('the topic to publish to', () => {
  const channel = makeChannel({
    address: 'site-{env}/{deviceId}/{line}/{kind}',
    parameters: [
      { name: 'env', default: 'prod', enum: ['prod', 'test'] },
      { name: 'line', enum: ['7'] },
    ],
  })

  it('takes a parameter from the request, else the payload, else the default, else the only enum value', () => {
    expect(renderAddress(channel, { deviceId: 'd' }, { deviceId: 'x', kind: 5 })).toBe('site-prod/d/7/5')
    expect(renderAddress(channel, { env: 'test', kind: 'k' }, { deviceId: true })).toBe('site-test/true/7/k')
  })

  it.each([
    [{}, undefined, 'parameter-missing', 'deviceId'],
    [{}, { deviceId: null }, 'parameter-missing', 'deviceId'],
    [{ deviceId: 'a' }, { kind: { a: 1 } }, 'parameter-missing', 'kind'],
    [{ deviceId: '' }, { deviceId: 'a' }, 'parameter-invalid', 'deviceId'],
    [{ deviceId: 'a/b' }, {}, 'parameter-invalid', 'deviceId'],
    [{ deviceId: 'a+' }, {}, 'parameter-invalid', 'deviceId'],
    [{ deviceId: '#' }, {}, 'parameter-invalid', 'deviceId'],
    [{ deviceId: 'a\u0000' }, {}, 'parameter-invalid', 'deviceId'],
    [{ deviceId: 'a', kind: 'k', env: 'staging' }, {}, 'parameter-invalid', 'env'],
  ])('%j with %j is %s', (parameters, payload, code, name) => {
    expect(() => renderAddress(channel, parameters, payload)).toThrow(
      expect.objectContaining({ code, place: { field: `parameters.${name}` } }),
    )
  })

  it('does not take inherited properties of the payload', () => {
    const inherited = makeChannel({ address: '{constructor}/{__proto__}' })
    expect(() => renderAddress(inherited, {}, {})).toThrow(expect.objectContaining({ code: 'parameter-missing' }))
  })

  it('does not replace placeholders inside a value', () => {
    const two = makeChannel({ address: '{a}/{b}' })
    expect(renderAddress(two, { a: '{b}', b: '$&' }, {})).toBe('{b}/$&')
  })

  it.each([null, 'devices/+/data', 'devices/#'])('refuses the address %j', (address) => {
    expect(() => renderAddress(makeChannel({ address }), {}, {})).toThrow(
      expect.objectContaining({ code: 'channel-unaddressed' }),
    )
  })
})
