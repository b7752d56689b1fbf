const CENSOR = '[redacted]'
const MAX_DEPTH = 6

const SECRET_KEYS: ReadonlySet<string> = new Set([
  'password',
  'passwd',
  'passphrase',
  'secret',
  'clientsecret',
  'apikey',
  'xapikey',
  'token',
  'accesstoken',
  'refreshtoken',
  'authorization',
  'proxyauthorization',
  'cookie',
  'setcookie',
  'privatekey',
])

/** A copy of what is to be logged in which the values of telling keys are replaced, at any level. */
export function censorKeys(value: object, depth = 0): Record<string, unknown> {
  const censored: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    censored[key] = isSecretKey(key) && item !== undefined && item !== null ? CENSOR : censorValue(item, depth)
  }
  return censored
}

function censorValue(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  // `err` and `error` have a serializer of their own; elsewhere JSON would make {} of an error.
  if (value instanceof Error) return depth === 0 ? value : value.message
  // Dates and the like know how to become JSON.
  if ('toJSON' in value) return value
  if (depth >= MAX_DEPTH) return '[deeper]'
  if (Array.isArray(value)) return value.map((item) => censorValue(item, depth + 1))
  return censorKeys(value, depth + 1)
}

function isSecretKey(key: string): boolean {
  return SECRET_KEYS.has(key.toLowerCase().replaceAll(/[-_]/g, ''))
}

/**
 * Replaces secrets that are known by their value in a finished line: drivers put them into messages and URLs,
 * where no key tells. Values shorter than 4 characters are left, as they would eat ordinary words.
 */
export function createValueCensor(secrets: readonly string[]): (line: string) => string {
  const written = secrets
    .filter((secret) => secret.length >= 4)
    // As JSON writes them, and the longest first, in case that one holds another.
    .map((secret) => JSON.stringify(secret).slice(1, -1))
    .sort((a, b) => b.length - a.length)
  return (line) => {
    let censored = line
    for (const secret of written) {
      if (censored.includes(secret)) censored = censored.replaceAll(secret, CENSOR)
    }
    return censored.includes('@') ? censored.replaceAll(/(:\/\/[^:/@\s"]*):[^@/\s"]+@/g, `$1:${CENSOR}@`) : censored
  }
}
