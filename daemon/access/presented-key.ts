/** The key or token of a request: `X-API-Key`, or `Authorization: Bearer` (RFC 6750, 2.1). */
export function presentedKey(headers: Readonly<Record<string, string | string[] | undefined>>): string | undefined {
  const { 'x-api-key': key, authorization } = headers
  if (typeof key === 'string') return key
  if (typeof authorization !== 'string') return undefined
  return /^Bearer +([^\s]+)$/i.exec(authorization)?.[1]
}
