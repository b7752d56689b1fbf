/** The key or token that a request presents: `X-API-Key`, else `Authorization: Bearer`. */
export function presentedKey(headers: Readonly<Record<string, string | string[] | undefined>>): string | undefined {
  const { 'x-api-key': key, authorization } = headers
  if (typeof key === 'string') return key
  if (typeof authorization !== 'string') return undefined
  return /^Bearer +([^\s]+)$/i.exec(authorization)?.[1]
}
