import { MqttBroker } from '../../daemon/broker/mqtt-broker.ts'
import { systemClock } from '../../daemon/core/clock.ts'
import type { Logger } from '../../daemon/core/logger.ts'
import type { PublishInput, PublishOutcome, SessionStore } from '../../daemon/ports/publication.ts'
import { loadSettings } from '../../daemon/settings/loading/load-settings.ts'
import type { BrokerSettings } from '../../daemon/settings/sections/broker-settings.ts'
import { accepted, base } from '../settings/config-folder.ts'

export interface Line {
  message: string
  [field: string]: unknown
}

interface BrokerWorldOptions {
  settings?: Partial<BrokerSettings>
  retained?: SessionStore['retained']
}

/** The broker on a port of its own, with a store that answers when the test says so, or at once. */
export class BrokerWorld {
  /** Messages in the order in which they were handed in. */
  readonly published: PublishInput[] = []
  readonly lines: Line[] = []
  /** What the publish port answers, in the next turn; undefined: when `answer` is called. */
  outcome: PublishOutcome | undefined = 'deliver'
  full = false
  port = 0
  private readonly waiting: ((outcome: PublishOutcome) => void)[] = []
  private open: MqttBroker | undefined

  static async create({ settings = {}, retained = [] }: BrokerWorldOptions = {}): Promise<BrokerWorld> {
    const world = new BrokerWorld()
    const log =
      (level: string) =>
      (fields: object, message: string): void =>
        void world.lines.push({ level, message, ...fields })
    const logger: Logger = { debug: () => undefined, info: log('info'), warn: log('warn'), error: log('error') }
    world.open = await MqttBroker.create({
      settings: {
        ...accepted(loadSettings(base)).settings.broker,
        listeners: [{ url: 'mqtt://127.0.0.1:0', host: '127.0.0.1', port: 0 }],
        ...settings,
      },
      clock: systemClock,
      logger,
      isFull: () => world.full,
      publish: (input, answer) => {
        world.published.push(input)
        if (world.outcome === undefined) return void world.waiting.push(answer)
        const { outcome } = world
        setImmediate(() => answer(outcome))
      },
      store: {
        incoming: new Map(),
        retained,
        rememberIncoming: () => undefined,
        forgetIncoming: (_client, _id, done) => done(),
        clearIncoming: () => undefined,
      },
    })
    const [port = 0] = await world.open.listen()
    world.port = port
    return world
  }

  get broker(): MqttBroker {
    if (this.open === undefined) throw new Error('not open')
    return this.open
  }

  /** Answers all that waits in one turn, as one commit does. */
  answer(outcome: PublishOutcome): void {
    for (const one of this.waiting.splice(0)) one(outcome)
  }

  payloads(): string[] {
    return this.published.map(({ payload }) => payload.toString())
  }

  /** Log lines about connections that were refused or closed. */
  traces(): Line[] {
    return this.lines.filter(({ message }) => /refused|closed/.test(message))
  }

  counts(): { refused: object; closed: object } {
    const { refusedBy, closedBy } = this.broker.traces
    return { refused: Object.fromEntries(refusedBy.entries()), closed: Object.fromEntries(closedBy.entries()) }
  }

  async close(): Promise<void> {
    await this.broker.stopListening()
    await this.broker.close()
  }
}
