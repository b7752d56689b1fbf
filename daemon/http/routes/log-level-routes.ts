import { LOG_LEVELS } from '../../core/logger.ts'
import type { LogLevelPort } from '../../operations/log-level.ts'
import { audit, callerOf } from '../server/caller.ts'
import { answers, input, object, text } from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'

/** `/log/level`: reads and changes the log level. */
export function logLevelRoutes(logLevel: LogLevelPort): Routes {
  return (app) => {
    app.get(
      '/log/level',
      {
        schema: {
          summary: 'The log level.',
          operationId: 'getLogLevel',
          tags: ['operating'],
          response: answers({ 200: object({ level: text }) }),
        },
      },
      () => ({ level: logLevel.level() }),
    )
    app.put<{ Body: { level: string } }>(
      '/log/level',
      {
        config: { access: 'admin' },
        schema: {
          summary: 'Changes the log level until the next start or reload.',
          operationId: 'setLogLevel',
          tags: ['operating'],
          body: input({ level: { enum: LOG_LEVELS } }, ['level']),
          response: answers({ 200: object({ level: text }) }, 413, 415),
        },
      },
      (request) => {
        const { level } = request.body
        logLevel.set(level, callerOf(request))
        audit(request, 'log level', level)
        return { level }
      },
    )
  }
}
