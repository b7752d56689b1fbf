/** The identity behind a request. */
export interface Caller {
  /** Name of the identity; `local` for a caller that is trusted because all listeners are on loopback. */
  name: string
  admin: boolean
}

/**
 * Identifies the caller of a request and decides whether it has the grant that the route needs. Where this function is absent, every
 * caller is trusted, because all listeners are on loopback.
 */
export type Authorize = (request: AccessRequest) => Promise<AccessVerdict>

export interface AccessRequest {
  method: string
  /** Without the query, which may hold a ticket. */
  path: string
  headers: Readonly<Record<string, string | string[] | undefined>>
  remoteAddress: string
  needs: AccessNeed
  /** Id of the channel concerned. Where the body names it, access is checked before the body is read and again with it. */
  channelId?: string | undefined
  /** The ticket has identified the caller; check only its grants. */
  caller?: Caller | undefined
}

/** The grant that a route needs. */
export type AccessNeed = 'read' | 'publish' | 'admin'

/** The identified caller, or why the request is refused. */
export type AccessVerdict = Caller | 'unauthenticated' | 'forbidden'
