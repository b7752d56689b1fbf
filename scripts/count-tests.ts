/** Prints `N passed, N failed[, N skipped]` from vitest's JSON report; fails when anything failed or nothing ran. */
import { readFileSync } from 'node:fs'

interface FileReport {
  status: string
  assertionResults: { status: string }[]
}

function readReport(path: string | undefined): FileReport[] {
  try {
    const report: { testResults?: FileReport[] } = JSON.parse(readFileSync(path ?? '', 'utf8'))
    return report.testResults ?? []
  } catch (error) {
    process.stderr.write(`no test report: ${error instanceof Error ? error.message : String(error)}\n`)
    return []
  }
}

let passed = 0
let failed = 0
let skipped = 0
for (const file of readReport(process.argv[2])) {
  const results = file.assertionResults.map((result) => result.status)
  const failures = results.filter((status) => status === 'failed').length
  passed += results.filter((status) => status === 'passed').length
  skipped += results.filter((status) => status !== 'passed' && status !== 'failed').length
  // A file that does not load, or whose hook throws, fails without a failed test of its own.
  failed += failures === 0 && file.status === 'failed' ? 1 : failures
}

process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
