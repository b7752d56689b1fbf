import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createTestServer, LIVE } from '../fake-ports.ts'

const headers = { host: 'localhost' }

describe('the live page', () => {
  test('loads nothing from other places', async () => {
    const answer = await createTestServer().app.inject({ url: '/', headers })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(answer.body).not.toMatch(/\b(src|srcset)=|<link|@import|url\(|https?:\/\//)
    expect(answer.body).not.toMatch(/\son[a-z]+="|\sstyle="|innerHTML|insertAdjacentHTML|document\.write|eval\(/)
  })

  test('allows only its own script and style, by their hashes', async () => {
    const answer = await createTestServer().app.inject({ url: '/', headers })
    const policy = String(answer.headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('unsafe')
    for (const element of ['style', 'script']) {
      const text = new RegExp(`<${element}>([\\s\\S]*?)</${element}>`).exec(answer.body)?.[1] ?? ''
      const hash = createHash('sha256').update(text).digest('base64')
      expect(text.length).toBeGreaterThan(1_000)
      expect(policy).toContain(`${element}-src 'sha256-${hash}'`)
    }
  })

  test('is accessible without a mouse, to screen readers, and without JavaScript', async () => {
    const { body } = await createTestServer().app.inject({ url: '/', headers })
    expect(body).toContain('<html lang="en">')
    expect(body).toContain('role="status"')
    expect(body).toContain('<noscript>')
    expect(body).toContain('prefers-color-scheme: dark')
    expect(body.match(/<th scope="col"/g)?.length).toBe(10)
  })

  test('gets the snapshot of the port from /live.json', async () => {
    const answer = await createTestServer().app.inject({ url: '/live.json', headers })
    expect(answer.json()).toEqual(LIVE)
    expect(answer.headers['cache-control']).toBe('no-store')
  })
})
