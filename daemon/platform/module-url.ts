/**
 * URL of a module beside the caller, for threads and child processes: `.ts` in the source tree, `.js` in the package, like the caller.
 * The compiler rewrites extensions in imports, but not in such references.
 *
 *     new Worker(siblingModule(import.meta.url, './writer-thread'))
 */
export function siblingModule(importMetaUrl: string, name: string): URL {
  const extension = new URL(importMetaUrl).pathname.endsWith('.ts') ? '.ts' : '.js'
  return new URL(name + extension, importMetaUrl)
}
