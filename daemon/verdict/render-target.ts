import { parseAddress } from '../asyncapi/matching/address.ts'
import { ChannelMatcher } from '../asyncapi/matching/channel-matcher.ts'
import { kafkaName } from '../asyncapi/matching/default-names.ts'
import { compileTemplate, type Template } from '../asyncapi/matching/template.ts'
import { EdgeError } from '../core/errors.ts'
import { Generations } from '../core/generations.ts'
import { isTopicLevel } from '../core/topic-text.ts'
import type { Plan, PlanTarget } from './plan.ts'

const REMEMBERED_TOPICS = 5_000

/** The target of one message, with all templates filled in. */
export interface Rendered {
  address: string
  key: string | null
  headers: Readonly<Record<string, string>>
}

export interface RenderInput {
  topic: string
  headers: Readonly<Record<string, string>>
  payload: () => unknown
}

/** Fills in the templates of one target. Results that depend on the topic alone are cached by topic. */
export class TargetRenderer {
  readonly target: PlanTarget
  private readonly address: Template | undefined
  private readonly key: Template | undefined
  private readonly headers: [string, Template][]
  private readonly parametersOf: (topic: string) => Record<string, string>
  /** Values for templates: the parameters of the channel and of the route. */
  private readonly valuesOf: (topic: string) => Record<string, string>
  private readonly byTopic: Generations<string, Rendered> | undefined

  constructor(plan: Plan, target: PlanTarget) {
    this.target = target
    this.address = target.address === null ? undefined : compileTemplate(target.address)
    this.key = target.key === null ? undefined : compileTemplate(target.key)
    this.headers = Object.entries(target.headers ?? {}).map(([name, text]) => [name, compileTemplate(text)])
    this.parametersOf = parameterReader(plan.channel)
    const others = (target.from ?? []).map((address) => parameterReader(address))
    this.valuesOf =
      others.length === 0
        ? this.parametersOf
        : (topic) =>
            Object.assign(this.parametersOf(topic), ...others.map((read) => read(topic))) as Record<string, string>
    const all = [this.address, this.key, ...this.headers.map(([, template]) => template)]
    const topicOnly = all.every((template) => template === undefined || template.isConstant || !template.usesMessage)
    this.byTopic = topicOnly ? new Generations(REMEMBERED_TOPICS) : undefined
  }

  /** Throws `render-failed` where a value is missing, empty or forbidden. */
  render(input: RenderInput): Rendered {
    const known = this.byTopic?.get(input.topic)
    if (known !== undefined) return known
    const values = { parameters: this.valuesOf(input.topic), payload: input.payload, headers: input.headers }
    const rendered: Rendered = {
      address:
        this.address === undefined ? (kafkaName(input.topic) ?? '_') : filled(this.address, values, 'topic', true),
      key: this.key === undefined ? null : filled(this.key, values, 'key', true),
      headers: Object.fromEntries(
        this.headers.map(([name, template]) => [name, filled(template, values, `header ${name}`, false)]),
      ),
    }
    this.byTopic?.set(input.topic, rendered)
    return rendered
  }

  parameters(topic: string): Record<string, string> {
    return this.parametersOf(topic)
  }
}

function filled(template: Template, values: Parameters<Template['render']>[0], what: string, checked: boolean): string {
  const text = template.render(values, (value) => {
    if (value === '') throw new EdgeError('render-failed', `a value of the ${what} is empty`)
    if (checked && !isTopicLevel(value))
      throw new EdgeError('render-failed', `the ${what} would hold a character that is not allowed in it`)
  })
  if (text === undefined || text === '')
    throw new EdgeError('render-failed', `the ${what} has no value for this message`)
  return text
}

/** Reads the parameters of an address from a topic. */
export function parameterReader(address: string | null): (topic: string) => Record<string, string> {
  if (address === null || parseAddress(address).length === 0) return () => ({})
  const matcher = new ChannelMatcher<null>()
  matcher.add(address, [], null)
  return (topic) => matcher.match(topic)?.parameters() ?? {}
}
