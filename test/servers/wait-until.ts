import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Polls until the check says yes; fails with the sentence of `what` after the time limit. */
export async function waitUntil(
  what: () => string,
  check: () => boolean | Promise<boolean>,
  limitMs = 30_000,
): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what()}`)
    await sleep(25)
  }
}

export function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
