import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createTestServer, LIVE } from '../fake-ports.ts'

const headers = { host: 'localhost' }

describe('the live page', () => {
  test('is one page that loads nothing from elsewhere', async () => {
    const answer = await createTestServer().app.inject({ url: '/', headers })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(answer.body).not.toMatch(/\b(src|srcset)=|<link|@import|url\(|https?:\/\//)
    expect(answer.body).not.toMatch(/\son[a-z]+="|\sstyle="|innerHTML|insertAdjacentHTML|document\.write|eval\(/)
  })

  test('runs its own script and style alone, by their hashes', async () => {
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

  test('can be read without a mouse, an eye or JavaScript', async () => {
    const { body } = await createTestServer().app.inject({ url: '/', headers })
    expect(body).toContain('<html lang="en">')
    expect(body).toContain('role="status"')
    expect(body).toContain('<noscript>')
    expect(body).toContain('prefers-color-scheme: dark')
    expect(body.match(/<th scope="col"/g)?.length).toBe(10)
  })

  test('asks /live.json, which is what the port knows', async () => {
    const answer = await createTestServer().app.inject({ url: '/live.json', headers })
    expect(answer.json()).toEqual(LIVE)
    expect(answer.headers['cache-control']).toBe('no-store')
  })
})
