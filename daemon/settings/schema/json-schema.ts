import type { UpstreamSchemas } from '../sections/upstream-common.ts'
import { settingsSchema } from '../settings-schema.ts'
import type { JsonSchema } from './schema.ts'

/** What config/schema.json holds, for editors and for the documentation. */
export function settingsJsonSchema(upstreams: UpstreamSchemas): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of StepFlow Edge',
    ...settingsSchema(upstreams).json,
    $defs: {
      reference: {
        description: 'A value from the environment, a file or a credential.',
        type: 'string',
        pattern: '\\$\\{(env|file|credential):[^}]*\\}',
      },
    },
  }
}
