// eslint-disable-next-line node/no-process-env -- the tests' own setting
const isSoak = Number(process.env['SOAK'] ?? 0) > 0

/** The size of a fault test: small in every run, the full count behind `npm run soak`. */
export function sized(small: number, full: number): number {
  return isSoak ? full : small
}
