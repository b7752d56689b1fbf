/**
 * Node's HTTP, not by `import`: as an ES module it evaluates all of its exports, WebSocket among them, which loads a whole client
 * that nothing here uses.
 */
export const http = process.getBuiltinModule('node:http')
export const https = process.getBuiltinModule('node:https')
