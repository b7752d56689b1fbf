/**
 * URL of a module beside the caller, for threads and child processes: `.ts` in the source tree, `.js` in the
 * package, as the caller itself. Imports are rewritten by the compiler, such references are not.
 *
 *     new Worker(siblingModule(import.meta.url, './writer-thread'))
 */
export function siblingModule(importMetaUrl: string, name: string): URL {
  const extension = new URL(importMetaUrl).pathname.endsWith('.ts') ? '.ts' : '.js'
  return new URL(name + extension, importMetaUrl)
}
