import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { requireTool } from './require-tool.ts'

export interface KeyPair {
  /** PEM texts. */
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

export interface Certificates {
  readonly ca: string
  readonly caFile: string
  /** For localhost and 127.0.0.1. */
  readonly server: KeyPair
  /** Common name `alice`. */
  readonly client: KeyPair
  /** A CA that signed none of the others. */
  readonly otherCa: string
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** A test CA with a server and a client certificate, valid for 30 days. */
export function makeCertificates(folder: string): Certificates {
  const openssl = requireTool('openssl')
  const run = (...args: string[]) => execFileSync(openssl, args, { cwd: folder, stdio: 'pipe' })
  const text = (name: string) => readFileSync(join(folder, name), 'utf8')

  for (const ca of ['ca', 'other-ca']) {
    run('req', '-x509', ...KEY, '-days', '30', '-keyout', `${ca}.key`, '-out', `${ca}.pem`, '-subj', `/CN=${ca}`)
  }
  const sign = (name: string, commonName: string, extensions: string): KeyPair => {
    writeFileSync(join(folder, `${name}.ext`), extensions)
    run('req', ...KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${commonName}`)
    const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30']
    run('x509', '-req', '-in', `${name}.csr`, ...signer, '-out', `${name}.pem`, '-extfile', `${name}.ext`)
    return {
      cert: text(`${name}.pem`),
      key: text(`${name}.key`),
      certFile: join(folder, `${name}.pem`),
      keyFile: join(folder, `${name}.key`),
    }
  }
  return {
    ca: text('ca.pem'),
    caFile: join(folder, 'ca.pem'),
    server: sign(
      'server',
      'localhost',
      'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n',
    ),
    client: sign('client', 'alice', 'extendedKeyUsage=clientAuth\n'),
    otherCa: text('other-ca.pem'),
  }
}
