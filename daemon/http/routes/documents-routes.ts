import type { RegisterRequest, RegistryPort } from '../../operations/registry.ts'
import { audit, callerOf } from '../server/caller.ts'
import { PAGE_QUERY, pageOf, pageRequest } from '../server/paging.ts'
import { answers, DOCUMENT, DOCUMENT_DETAIL, DRY_RUN, id, input, NO_CONTENT, REGISTERED } from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'
import { untilClosed } from '../server/until-closed.ts'

/** Enough for a document of 2 MiB as a string in JSON, with its escapes. */
const REGISTER_BODY_BYTES = 5 * 1024 * 1024
const PATH = { type: 'object', properties: { id }, required: ['id'] } as const
const TAGS = ['documents']

const REGISTER_BODY = input(
  {
    name: { type: 'string', minLength: 1, maxLength: 255, description: "Default: the document's title." },
    content: {
      anyOf: [{ type: 'string', minLength: 1 }, { type: 'object' }],
      description: 'JSON or YAML text, or the document itself.',
    },
    version: { type: 'string', minLength: 1, maxLength: 64, description: "Default: the document's `info.version`." },
    base_url: {
      type: 'string',
      minLength: 1,
      maxLength: 2048,
      pattern: '^[a-z][a-z0-9+.-]*://',
      description: 'Replaces the url of the first server.',
    },
    mode: { enum: ['strict', 'lenient'], description: 'Default strict.' },
  },
  ['content'],
)

/** `/asyncapis`: registers, lists, pins and deletes documents. */
export function documentsRoutes(registry: RegistryPort): Routes {
  return (app) => {
    app.post<{ Body: RegisterRequest; Querystring: { dryRun?: string } }>(
      '/asyncapis/register',
      {
        bodyLimit: REGISTER_BODY_BYTES,
        config: { access: 'admin' },
        schema: {
          summary:
            'Registers a document. With `dryRun=true` registers nothing and returns what would change, and which stored messages would be refused.',
          operationId: 'registerAsyncapi',
          tags: TAGS,
          querystring: input({ dryRun: { enum: ['true', 'false'] } }),
          body: REGISTER_BODY,
          response: answers({ 200: DRY_RUN, 201: REGISTERED }, 409, 413, 415, 422, 429),
        },
      },
      async (request, reply) => {
        const signal = untilClosed(reply)
        if (request.query.dryRun === 'true') return registry.dryRun(request.body, signal)
        const answer = await registry.register(request.body, callerOf(request), signal)
        audit(request, 'register', `${answer.name}@${answer.version}`)
        reply.code(201)
        return answer
      },
    )
    app.get<{ Querystring: Record<string, string> }>(
      '/asyncapis',
      {
        schema: {
          summary: 'The registered documents, every version of each.',
          operationId: 'listAsyncapis',
          tags: TAGS,
          querystring: input({
            ...PAGE_QUERY,
            status: { enum: ['active', 'superseded'] },
            name: { type: 'string', maxLength: 255 },
          }),
          response: answers({ 200: pageOf(DOCUMENT) }),
        },
      },
      ({ query }) => {
        const { status, name } = query
        return registry.documents({
          ...pageRequest(query),
          ...(status === undefined ? {} : { status }),
          ...(name === undefined ? {} : { name }),
        })
      },
    )
    app.get<{ Params: { id: string } }>(
      '/asyncapis/:id',
      {
        schema: {
          summary: 'One version of a document, with its text.',
          operationId: 'getAsyncapi',
          tags: TAGS,
          params: PATH,
          response: answers({ 200: DOCUMENT_DETAIL }, 404),
        },
      },
      ({ params }) => registry.document(params.id),
    )
    app.delete<{ Params: { id: string } }>(
      '/asyncapis/:id',
      {
        config: { access: 'admin' },
        schema: {
          summary: 'Deletes a version. If it was in force, the newest remaining version of its name follows.',
          operationId: 'deleteAsyncapi',
          tags: TAGS,
          params: PATH,
          response: answers({ 204: NO_CONTENT }, 404, 409, 413, 415, 429),
        },
      },
      async (request, reply) => {
        await registry.unregister(request.params.id, callerOf(request))
        audit(request, 'unregister', request.params.id)
        return reply.code(204).send()
      },
    )
    for (const pinned of [true, false]) {
      app.route<{ Params: { id: string } }>({
        method: pinned ? 'PUT' : 'DELETE',
        url: '/asyncapis/:id/pin',
        config: { access: 'admin' },
        schema: {
          summary: pinned
            ? 'Keeps this version in force, even if newer versions are registered.'
            : 'Unpins this version; the newest version comes into force.',
          operationId: pinned ? 'pinAsyncapi' : 'unpinAsyncapi',
          tags: TAGS,
          params: PATH,
          response: answers({ 200: DOCUMENT }, 404, 413, 415, 429),
        },
        handler: async (request) => {
          const answer = await registry.pin(request.params.id, pinned, callerOf(request))
          audit(request, pinned ? 'pin' : 'unpin', request.params.id)
          return answer
        },
      })
    }
  }
}
