import type { Contract } from '../../asyncapi/contract/contract.ts'
import { DEFAULT_CHECK_CPU_MS, loadDocument } from '../../asyncapi/documents/load-document.ts'
import { readDocumentFile } from '../../asyncapi/documents/read-document-file.ts'
import type { EdgeError } from '../../core/errors.ts'
import { systemTimers } from '../../core/timers.ts'
import { errorsOf } from '../../manager/document-loader.ts'
import { expandDocuments } from '../../settings/loading/expand-documents.ts'
import { shutOut } from '../../settings/shut-out.ts'
import { unknownUpstreams, unknownUpstreamText } from '../../verdict/unknown-upstreams.ts'
import type { CliContext } from '../cli-context.ts'
import { EXIT, exitCodeOf } from '../exit-codes.ts'
import { loadConfiguration } from '../load-configuration.ts'
import { printErrors } from '../print-errors.ts'

/** After this time the operator is told what the command is waiting for. */
const SLOW_MS = 3_000

/** Validates documents, and the configuration if one is given. Without documents: the configuration and its documents. */
export async function check(
  specs: readonly string[],
  options: { config?: string; strict?: boolean; json?: boolean },
  context: CliContext,
): Promise<number> {
  const errors: EdgeError[] = []
  let entries = specs.map((file) => ({
    file,
    mode: options.strict === true ? ('strict' as const) : ('lenient' as const),
  }))
  let upstreams: readonly string[] | undefined
  const warnings: string[] = []
  let cpuMs = DEFAULT_CHECK_CPU_MS
  if (options.config !== undefined || specs.length === 0) {
    const loaded = loadConfiguration(options.config, context)
    if (!loaded.ok) errors.push(...loaded.errors)
    else {
      upstreams = Object.keys(loaded.settings.upstreams)
      const shut = shutOut(loaded.settings.broker)
      if (shut !== undefined) warnings.push(shut)
      cpuMs = loaded.settings.checkCpuMs
      entries = [
        ...entries,
        ...expandDocuments(loaded.settings).map((entry) => ({
          file: entry.file,
          mode: options.strict === true ? ('strict' as const) : entry.mode,
        })),
      ]
    }
  }
  const contracts: { file: string; contract: Contract }[] = []
  for (const { file, mode } of entries) {
    const slow = systemTimers.after(SLOW_MS, () => {
      if (options.json !== true) context.stderr.write(`${file} is still being checked …\n`)
    })
    try {
      const contract = await loadDocument({ text: readDocumentFile(file), file, mode }, { cpuMs })
      const unknown = upstreams === undefined ? [] : unknownUpstreams(contract, upstreams)
      const notes = unknown.map((to) => ({
        severity: 'warning' as const,
        message: unknownUpstreamText(to),
        pointer: '',
      }))
      contracts.push({ file, contract: { ...contract, diagnostics: [...contract.diagnostics, ...notes] } })
    } catch (error) {
      errors.push(...errorsOf(error, file))
    } finally {
      slow.cancel()
    }
  }
  if (options.json === true) context.stdout.write(`${JSON.stringify({ ...asJson(errors, contracts), warnings })}\n`)
  else {
    for (const warning of warnings) context.stderr.write(`${options.config ?? 'configuration'} warning: ${warning}\n`)
    print(errors, contracts, context)
  }
  return errors[0] === undefined
    ? EXIT.ok
    : exitCodeOf(errors.find((error) => exitCodeOf(error) === EXIT.configuration) ?? errors[0])
}

function print(
  errors: readonly EdgeError[],
  contracts: readonly { file: string; contract: Contract }[],
  context: CliContext,
): void {
  printErrors(context, errors)
  for (const { file, contract } of contracts) {
    for (const { line, column, severity, message } of contract.diagnostics)
      context.stderr.write(
        `${[file, line, column].filter((part) => part !== undefined).join(':')} ${severity}: ${message}\n`,
      )
    context.stdout.write(
      `${file}: ${contract.title} ${contract.version} (AsyncAPI ${contract.specification}), ${contract.channels.length} channels, ok\n`,
    )
  }
  if (errors.length === 0 && contracts.length === 0) context.stdout.write('configuration ok\n')
}

function asJson(errors: readonly EdgeError[], contracts: readonly { file: string; contract: Contract }[]): object {
  return {
    ok: errors.length === 0,
    errors: errors.map(({ code, message, hint, place }) => ({ code, message, hint, ...place })),
    documents: contracts.map(({ file, contract }) => ({
      file,
      title: contract.title,
      version: contract.version,
      channels: contract.channels.length,
      diagnostics: contract.diagnostics,
    })),
  }
}
