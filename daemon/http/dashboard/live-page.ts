import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { LiveSnapshot } from '../../operations/live-figures.ts'
import type { Routes } from '../server/server.ts'

/** `/`, a page that loads nothing from other places, and `/live.json`, which it requests every second. */
export function livePage(live: () => LiveSnapshot): Routes {
  const page = loadPage()
  return (app) => {
    app.get('/', { schema: { hide: true } }, (_request, reply) =>
      reply.headers({ 'content-security-policy': page.policy }).type('text/html; charset=utf-8').send(page.html),
    )
    app.get('/live.json', { schema: { hide: true } }, () => live())
  }
}

/** Joins the parts of the page. The policy names style and script by their hashes, so that nothing else runs in the page. */
function loadPage(): { html: string; policy: string } {
  const style = readPart('live.css')
  const script = readPart('live.js')
  const html = readPart('live.html')
    .replace('/*style*/', () => style)
    .replace('/*script*/', () => script)
  const policy = [
    "default-src 'none'",
    `style-src '${hashOf(style)}'`,
    `script-src '${hashOf(script)}'`,
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
  return { html, policy }
}

function readPart(name: string): string {
  return readFileSync(new URL(`./${name}`, import.meta.url), 'utf8')
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
