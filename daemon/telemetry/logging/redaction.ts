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

/** A copy of a log line's fields with the values of secret keys redacted, at any depth. */
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
  // `err` and `error` have a serializer; deeper errors would become {} in JSON.
  if (value instanceof Error) return depth === 0 ? value : value.message
  if ('toJSON' in value) return value
  if (depth >= MAX_DEPTH) return '[deeper]'
  if (Array.isArray(value)) return value.map((item) => censorValue(item, depth + 1))
  return censorKeys(value, depth + 1)
}

function isSecretKey(key: string): boolean {
  return SECRET_KEYS.has(key.toLowerCase().replaceAll(/[-_]/g, ''))
}

/**
 * Redacts secrets by value in a finished line, because drivers put them into messages and URLs. Values shorter than 4 characters are
 * left, since they occur in ordinary words.
 */
export function createValueCensor(secrets: readonly string[]): (line: string) => string {
  const written = secrets
    .filter((secret) => secret.length >= 4)
    // As JSON escapes them, and the longest first, because one may contain another.
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
