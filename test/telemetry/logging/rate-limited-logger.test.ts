import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../../daemon/core/clock.ts'
import { EdgeError } from '../../../daemon/core/errors.ts'
import { RateLimitedLogger } from '../../../daemon/telemetry/logging/rate-limited-logger.ts'

function create() {
  const lines: { level: string; fields: object; message: string }[] = []
  const record = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message })
  const target = { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') }
  const clock = new FakeClock()
  return { lines, clock, logger: new RateLimitedLogger(target, clock) }
}

describe('the rate-limited logger', () => {
  test('lets one line a second through and says how many were left out', () => {
    const { lines, clock, logger } = create()
    for (let ms = 0; ms < 10_000; ms += 10) {
      logger.warn({ code: 'not-permitted', subject: 'c1' }, 'refused')
      clock.advance(10)
    }
    expect(lines).toHaveLength(10)
    expect(lines[0]?.fields).toEqual({ code: 'not-permitted', subject: 'c1' })
    expect(lines[1]?.fields).toEqual({ code: 'not-permitted', subject: 'c1', suppressed: 99 })
  })

  test('tells apart level, message, code and subject, and nothing else', () => {
    const { lines, logger } = create()
    logger.warn({ subject: 'a', code: 'x', detail: 1 }, 'm')
    logger.warn({ subject: 'a', code: 'x', detail: 2 }, 'm')
    logger.error({ subject: 'a', code: 'x' }, 'm')
    logger.warn({ subject: 'b', code: 'x' }, 'm')
    logger.warn({ subject: 'a', code: 'y' }, 'm')
    logger.warn({ subject: 'a', err: new EdgeError('store-full', 'full') }, 'm')
    logger.warn({ subject: 'a', err: new EdgeError('store-full', 'still full') }, 'm')
    logger.warn({ subject: 'a', code: 'x' }, 'n')
    expect(lines).toHaveLength(6)
  })

  test('is not fooled by a step of the wall clock', () => {
    const { lines, clock, logger } = create()
    logger.info({}, 'm')
    clock.stepWall(86_400_000)
    logger.info({}, 'm')
    expect(lines).toHaveLength(1)
  })

  test('logs suppressed lines once at the end', () => {
    const { lines, logger } = create()
    for (let i = 0; i < 5; i += 1) logger.error({ i }, 'm')
    logger.flush()
    logger.flush()
    expect(lines.map((line) => line.fields)).toEqual([{ i: 0 }, { i: 4, suppressed: 4 }])
  })

  test('its table is bounded, and an entry that it drops is summarised', () => {
    const { lines, logger } = create()
    logger.warn({ subject: 'first' }, 'm')
    logger.warn({ subject: 'first' }, 'm')
    for (let i = 0; i < 1_000; i += 1) logger.warn({ subject: `s${i}` }, 'm')
    expect(lines.at(-1)?.fields).toEqual({ subject: 'first', suppressed: 1 })
    expect(lines).toHaveLength(1_002)
  })
})
