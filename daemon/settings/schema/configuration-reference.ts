import { branchesOf, isJsonSchema, propertiesOf, type JsonSchema } from './schema.ts'

/** The reference part of docs/configuration.md: a table for each section, its keys as dotted paths. */
export function configurationReference(schema: JsonSchema): string {
  const sections = propertiesOf(schema).map(([name, section]) => ({ name, section, rows: rowsOf(name, section) }))
  const single = sections.filter(({ rows }) => rows.length === 1).flatMap(({ rows }) => rows)
  const parts = sections
    .filter(({ rows }) => rows.length > 1)
    .map(({ name, section, rows }) => {
      // For a map, the section's own row would only repeat its description.
      const shown = takes(section) === 'map' ? rows.slice(1) : rows
      return part(name, `${String(section['description'])}\n\n`, shown)
    })
  return [part('Keys without a section', '', single), ...parts].join('\n')
}

function part(title: string, text: string, rows: readonly string[]): string {
  return `## ${title}\n\n${text}${['| key | takes | default | |', '|---|---|---|---|', ...rows].join('\n')}\n`
}

function rowsOf(path: string, schema: JsonSchema, needed = false): string[] {
  const own = typeof schema['description'] === 'string' ? [row(path, schema, needed)] : []
  const inner = branchesOf(schema).flatMap((branch) => {
    const under = `${path}${suffix(schema, branch)}`
    const required = Array.isArray(branch['required']) ? branch['required'] : []
    return propertiesOf(branch).flatMap(([key, property]) =>
      rowsOf(`${under}.${key}`, property, required.includes(key)),
    )
  })
  const element = elementOf(schema)
  return [...own, ...inner, ...(element === undefined ? [] : rowsOf(element.path(path), element.schema))].filter(
    (line, i, all) => all.indexOf(line) === i,
  )
}

/** ` (kafka)` after the path of a variant, so that the keys of two variants stay apart. */
function suffix(schema: JsonSchema, branch: JsonSchema): string {
  if (schema['oneOf'] === undefined) return ''
  const told = propertiesOf(branch).find(([key]) => key === 'protocol' || key === 'type')?.[1]
  const kind =
    told === undefined ? undefined : branchesOf(told).find((choice) => Array.isArray(choice['enum']))?.['enum']
  return Array.isArray(kind) ? ` (${String(kind[0])})` : ''
}

function row(path: string, schema: JsonSchema, needed: boolean): string {
  const value = schema['default']
  const shown =
    value === undefined
      ? needed
        ? 'required'
        : ''
      : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
  const cells = [`\`${path}\``, takes(schema), shown, String(schema['description'])]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function takes(schema: JsonSchema): string {
  const words = branchesOf(schema).flatMap((branch) => wordFor(branch))
  return [...new Set(words)].join(', ')
}

function wordFor(branch: JsonSchema): string[] {
  if (Array.isArray(branch['enum'])) return branch['enum'].map((choice) => `\`${String(choice)}\``)
  if (branch['const'] !== undefined) return [`\`${String(branch['const'])}\``]
  if (branch['$ref'] !== undefined) return []
  const { type, pattern, minimum, maximum } = branch
  if (typeof pattern === 'string' && pattern.endsWith('(ms|s|m|h|d)$')) return ['duration']
  if (typeof pattern === 'string' && pattern.endsWith('TiB)$')) return ['size']
  if (type === 'integer') return [`${String(minimum)} to ${String(maximum)}`]
  if (type === 'object') return ['map']
  if (type === 'array') return ['list']
  if (type === 'string') return ['text']
  if (Array.isArray(type)) return ['any value']
  return [String(type)]
}

interface Element {
  path: (path: string) => string
  schema: JsonSchema
}

function elementOf(schema: JsonSchema): Element | undefined {
  for (const branch of branchesOf(schema)) {
    const { items, additionalProperties } = branch
    if (isJsonSchema(items)) return { path: (path) => `${path}[]`, schema: items }
    if (isJsonSchema(additionalProperties)) return { path: (path) => `${path}.<name>`, schema: additionalProperties }
  }
  return undefined
}
