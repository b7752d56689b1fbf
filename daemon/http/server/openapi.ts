import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { version } from '../../platform/version.ts'

/** Adds `/openapi.json`, generated from the schemas of the routes. Must be called before the routes are added. */
export function addOpenApi(app: FastifyInstance): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'StepFlow Edge',
        version: version(),
        description: 'The API of one gateway. WebSockets are at `/ws/{channel_id}`, MQTT over WebSocket at `/mqtt`.',
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
          bearer: { type: 'http', scheme: 'bearer' },
        },
      },
      security: [{}, { apiKey: [] }, { bearer: [] }],
    },
  })
  app.register((scope, _options, done) => {
    scope.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
    done()
  })
}
