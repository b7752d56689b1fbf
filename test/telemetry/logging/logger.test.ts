import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { EdgeError } from '../../../daemon/core/errors.ts'
import { createLogger, type LoggerOptions } from '../../../daemon/telemetry/logging/logger.ts'

function create(options: Omit<LoggerOptions, 'write'> = {}) {
  const lines: string[] = []
  const logger = createLogger({ ...options, write: (line) => void lines.push(line) })
  const last = (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? 'null')
  return { lines, logger, last }
}

describe('the logger', () => {
  test('writes one JSON object a line, with level, time and sentence', () => {
    const { lines, logger, last } = create()
    logger.info({ clients: 3 }, 'listening')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^\{.*\}\n$/)
    expect(last()).toEqual({ level: 'info', time: expect.any(String), clients: 3, msg: 'listening' })
    expect(new Date(String(last()['time'])).toISOString()).toBe(last()['time'])
  })

  test('its level can be changed while it runs', () => {
    const { lines, logger } = create({ level: 'warn' })
    logger.info({}, 'a')
    logger.setLevel('debug')
    logger.debug({}, 'b')
    expect(lines).toHaveLength(1)
  })

  test('gives the journal a priority for each line', () => {
    const { lines, logger } = create({ level: 'debug', journalStream: '8:1' })
    logger.debug({}, 'm')
    logger.info({}, 'm')
    logger.warn({}, 'm')
    logger.error({}, 'm')
    expect(lines.map((line) => line.slice(0, 4))).toEqual(['<7>{', '<6>{', '<4>{', '<3>{'])
  })

  test('raw control characters never reach a terminal', () => {
    const { lines, logger, last } = create()
    const nasty = 'a\u0000\u001b[31m\u007f\u009b2J\u2028\u2029\ufeff\r\nb'
    logger.warn({ topic: nasty, [nasty]: 1 }, nasty)
    // oxlint-disable-next-line no-control-regex -- that is what must not be there
    expect(lines[0]?.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]/)
    expect(last()['msg']).toBe(nasty)
  })

  test('secrets are replaced by the name of their field, at any level', () => {
    const { lines, logger } = create()
    logger.info(
      {
        user: 'alice',
        password: 'pw-1',
        upstream: { sasl: { Password: 'pw-2' }, 'api-key': 'pw-3', headers: [{ Authorization: 'pw-4' }] },
        client_secret: 'pw-5',
        key: 'device-1',
      },
      'connecting',
    )
    expect(lines[0]).not.toContain('pw-')
    expect(lines[0]).toContain('alice')
    expect(lines[0]).toContain('device-1')
  })

  test('secrets are replaced by their value wherever they stand', () => {
    const { lines, logger } = create({ secrets: ['hunter"2"hunter', 'abc'] })
    logger.error({ err: new Error('login with hunter"2"hunter failed') }, 'said hunter"2"hunter, abc')
    logger.setSecrets(['other-secret'])
    logger.error({}, 'other-secret')
    logger.error({}, 'mqtts://gateway:s3cr3t!@broker.example.com:8883/ is down')
    expect(lines.join('')).not.toMatch(/hunter|other-secret|s3cr3t/)
    expect(lines[0]).toContain('abc')
    expect(lines[2]).toContain('mqtts://gateway:[redacted]@broker.example.com:8883/')
  })

  test('an error shows its code, its cause and where it came from', () => {
    const { logger, last } = create()
    logger.error({ err: new EdgeError('store-full', 'no room', { cause: new Error('SQLITE_FULL') }) }, 'refused')
    expect(last()['err']).toMatchObject({ code: 'store-full', message: 'no room: SQLITE_FULL' })
    expect(JSON.stringify(last()['err'])).toContain('logger.test.ts')
  })

  test('a value that cannot be written as JSON does not throw', () => {
    const { lines, logger } = create()
    const cycle: Record<string, unknown> = { name: 'x' }
    cycle['self'] = cycle
    logger.info({ cycle, big: 10n, bytes: Buffer.from('abc'), nothing: undefined }, 'odd')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('[3 bytes]')
  })

  test('a repeated line is logged once a second, and suppressed ones are counted at the end', () => {
    const { lines, logger } = create()
    for (let i = 0; i < 5; i += 1) logger.warn({ i }, 'again')
    logger.warn({ subject: 'other' }, 'again')
    expect(lines).toHaveLength(2)
    logger.flush()
    expect(JSON.parse(lines[2] ?? '')).toMatchObject({ msg: 'again', i: 4, suppressed: 4 })
  })

  test('nothing is lost when the process exits at once', () => {
    const module = new URL('../../../daemon/telemetry/logging/logger.ts', import.meta.url).href
    const program = `
      const { createLogger } = await import(${JSON.stringify(module)})
      const logger = createLogger({ level: 'debug', journalStream: '1:1' })
      for (let i = 0; i < 5000; i += 1) logger.info({ i, subject: String(i) }, 'line')
      process.exit(0)`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
    const lines = output.trimEnd().split('\n')
    expect(lines).toHaveLength(5_000)
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ i: 4_999 })
  })
})
