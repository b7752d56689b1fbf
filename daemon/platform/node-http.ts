/**
 * Node's HTTP without `import`, which evaluates all exports of the module: WebSocket among them loads an HTTP client that is not used
 * (`idle-memory`).
 */
export const http = process.getBuiltinModule('node:http')
export const https = process.getBuiltinModule('node:https')
