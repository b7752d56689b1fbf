/** Which methods a path takes: for 405, which has to say so. */
export class AllowedMethods {
  private readonly patterns = new Map<string, { pattern: RegExp; methods: Set<string> }>()

  add(url: string, methods: string | readonly string[]): void {
    let known = this.patterns.get(url)
    if (known === undefined) {
      const source = url
        .split('/')
        .map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll(/[^A-Za-z0-9_-]/g, '\\$&')))
      this.patterns.set(url, (known = { pattern: new RegExp(`^${source.join('/')}$`), methods: new Set() }))
    }
    for (const method of [methods].flat()) known.methods.add(method)
  }

  of(path: string): string[] {
    const found = [...this.patterns.values()].filter(({ pattern }) => pattern.test(path))
    return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort()
  }
}
