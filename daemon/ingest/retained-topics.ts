/** Bounds the number of retained messages: knows which topics hold one. */
export class RetainedTopics {
  private readonly topics: Set<string>
  private readonly limits: { readonly maxRetained: number }
  /** Messages that were delivered but not retained, because the limit was reached. */
  refused = 0

  constructor(topics: Iterable<string>, limits: { readonly maxRetained: number }) {
    this.topics = new Set(topics)
    this.limits = limits
  }

  admit(topic: string): boolean {
    if (this.topics.size >= this.limits.maxRetained && !this.topics.has(topic)) {
      this.refused++
      return false
    }
    this.topics.add(topic)
    return true
  }

  remove(topic: string): void {
    this.topics.delete(topic)
  }
}
