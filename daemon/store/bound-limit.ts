/**
 * SQLite compiles a statement whose LIMIT is a bare parameter anew for each value that is bound, which costs five times what the
 * statement does: it looks at the value to plan for it, unless an operator stands before it.
 */
export const LIMIT = 'LIMIT +?'
