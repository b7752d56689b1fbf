import { upstreamSchemas } from '../protocols/registry.ts'
import { loadSettings } from '../settings/loading/load-settings.ts'
import type { CliContext } from './cli-context.ts'

/** Reads the configuration of a command; without a file the defaults and the environment hold. */
export function loadConfiguration(
  file: string | undefined,
  { env, cwd, hostName }: Pick<CliContext, 'env' | 'cwd' | 'hostName'>,
): ReturnType<typeof loadSettings> {
  return loadSettings({ file, env, cwd, hostName, upstreams: upstreamSchemas })
}
