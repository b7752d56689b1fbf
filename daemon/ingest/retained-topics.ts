/** The topics that hold a retained message in the database, and how many may. */
export class RetainedTopics {
  private readonly topics: Set<string>
  private readonly limits: { readonly maxRetained: number }
  /** Messages that were delivered, but not retained, because there were too many. */
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
